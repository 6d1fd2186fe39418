#include "adapters/openmrs/fhir/bundle.h"

#include "adapters/openmrs/fhir/codec.h"
#include "adapters/openmrs/fhir/facts.h"
#include "adapters/openmrs/fhir/json_tape.h"
#include "adapters/openmrs/fhir/primitives.h"
#include "protocol/digest.h"

namespace omrsync::openmrs::fhir {
namespace {

constexpr std::string_view kChangeSet = "urn:x-omrs-sync:change-set";
constexpr std::string_view kSite = "urn:x-omrs-sync:site";
constexpr std::string_view kUuid = "urn:x-omrs-sync:uuid";
constexpr std::string_view kAgentType = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
constexpr std::string_view kActivity = "http://terminology.hl7.org/CodeSystem/v3-DataOperation";

/// {"<name>":{"system":…,"value":…}} without the outer braces.
void write_identifier(JsonOut& json, std::string_view name, std::string_view system, std::string_view value) {
  json.key(name);
  json.open_object();
  json.member("system", system);
  json.member("value", value);
  json.close_object();
}

void write_coding_list(JsonOut& json, std::string_view name, std::string_view system, std::string_view code) {
  json.key(name);
  json.open_array();
  json.open_object();
  json.member("system", system);
  json.member("code", code);
  json.close_object();
  json.close_array();
}

void write_concept_member(JsonOut& json, std::string_view name, std::string_view system, std::string_view code) {
  json.key(name);
  json.open_object();
  write_coding_list(json, "coding", system, code);
  json.close_object();
}

void write_reference_member(JsonOut& json, std::string_view name, std::string_view reference) {
  json.key(name);
  json.open_object();
  json.member("reference", reference);
  json.close_object();
}

class BundleWriter {
 public:
  BundleWriter(const PrintedSet& set, const Facts& facts, const Zone& zone)
      : set_(set), facts_(facts), zone_(zone), json_(out_) {
    node_ = to_string(set.node);
    id_ = node_ + "/" + std::to_string(set.epoch) + "/" + std::to_string(set.sequence);
  }

  std::string write(std::span<const PrintedEntry> entries) {
    json_.open_object();
    json_.member("resourceType", "Bundle");
    write_identifier(json_, "identifier", kChangeSet, id_);
    json_.member("type", "transaction");
    json_.member("timestamp", zone_.instant(set_.captured_ms));
    json_.key("entry");
    json_.open_array();
    bool all_purged = true;
    for (const PrintedEntry& entry : entries) {
      all_purged = all_purged && entry.purged;
      if (entry.purged)
        write_purge(entry.root);
      else
        write_put(entry);
    }
    if (!targets_.empty()) write_provenance(all_purged);
    json_.close_array();
    json_.close_object();
    return std::move(out_);
  }

 private:
  void write_request(std::string_view method, std::string_view url) {
    json_.key("request");
    json_.open_object();
    json_.member("method", method);
    json_.member("url", url);
    json_.close_object();
  }

  void write_full_url(std::string_view url) { json_.member("fullUrl", "http://" + node_ + ".sync.invalid/fhir/", url); }

  void write_put(const PrintedEntry& entry) {
    JsonTape tape;
    if (!tape.parse(entry.resource)) return;
    const JsonView resource(tape, 0);
    const std::string url = std::string(resource.text_of("resourceType")) + "/" + std::string(resource.text_of("id"));
    json_.open_object();
    write_full_url(url);
    json_.key("resource");
    json_.open_object();
    json_.member("resourceType", resource.text_of("resourceType"));
    json_.member("id", resource.text_of("id"));
    write_meta(resource.find("meta"));
    for (const JsonMember member : resource.members()) {
      if (member.name == "resourceType" || member.name == "id" || member.name == "meta") continue;
      write_member(member);
    }
    json_.close_object();
    write_request("PUT", url);
    json_.close_object();
    targets_.push_back({url, {}});
  }

  void write_member(const JsonMember& member) {
    json_.text(member.name);
    json_.verbatim(":");
    member.value.write_to(json_);
  }

  /// Whatever the resource's own meta says stays, but for the source.
  void write_meta(std::optional<JsonView> own) {
    json_.key("meta");
    json_.open_object();
    json_.member("source", "urn:uuid:", node_);
    std::optional<JsonView> tags;
    if (own)
      for (const JsonMember member : own->members()) {
        if (member.name == "tag")
          tags = member.value;
        else if (member.name != "source")
          write_member(member);
      }
    json_.key("tag");
    json_.open_array();
    if (tags)
      for (const JsonView tag : tags->items())
        if (tag.text_of("system") != kSite) tag.write_to(json_);
    json_.open_object();
    json_.member("system", kSite);
    json_.member("code", set_.site);
    json_.close_object();
    json_.close_array();
    json_.close_object();
  }

  void write_purge(const RootKey& root) {
    std::string_view type = root.table == "person" ? "Patient" : reference_type(root.table);
    if (type.empty() || root.table == "users") type = "Basic";
    json_.open_object();
    write_request("DELETE", std::string(type) + "/" + resource_id(root, facts_.has_natural_key(root.table)));
    json_.close_object();
    targets_.push_back({std::string(type), root.key});
  }

  void write_provenance(bool all_purged) {
    std::string digest = sha256(id_ + "/provenance").substr(0, 16);
    Uuid uuid;
    for (std::size_t at = 0; at < uuid.bytes.size(); ++at) uuid.bytes[at] = static_cast<std::uint8_t>(digest[at]);
    uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0FU) | 0x80U);
    uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3FU) | 0x80U);
    const std::string url = "Provenance/" + to_string(uuid);
    json_.open_object();
    write_full_url(url);
    json_.key("resource");
    json_.open_object();
    json_.member("resourceType", "Provenance");
    json_.member("id", to_string(uuid));
    write_targets();
    if (set_.edited_ms != 0) json_.member("occurredDateTime", zone_.instant(set_.edited_ms));
    json_.member("recorded", zone_.instant(set_.captured_ms));
    write_concept_member(json_, "activity", kActivity, all_purged ? "DELETE" : "UPDATE");
    if (is_fhir_id(set_.location)) write_reference_member(json_, "location", "Location/" + std::string(set_.location));
    write_agents();
    write_source();
    json_.close_object();
    write_request("PUT", url);
    json_.close_object();
  }

  void write_targets() {
    json_.key("target");
    json_.open_array();
    for (const auto& [reference, purged] : targets_) {
      json_.open_object();
      if (purged.empty()) {
        json_.member("reference", reference);
      } else {
        json_.member("type", reference);
        write_identifier(json_, "identifier", kUuid, purged);
      }
      json_.close_object();
    }
    json_.close_array();
  }

  void write_agents() {
    json_.key("agent");
    json_.open_array();
    if (is_fhir_id(set_.author)) {
      json_.open_object();
      write_concept_member(json_, "type", kAgentType, "author");
      write_reference_member(json_, "who", "Practitioner/" + std::string(set_.author));
      json_.key("onBehalfOf");
      json_.open_object();
      write_identifier(json_, "identifier", kSite, set_.site);
      json_.close_object();
      json_.close_object();
    }
    json_.open_object();
    write_concept_member(json_, "type", kAgentType, "assembler");
    json_.key("who");
    json_.open_object();
    write_identifier(json_, "identifier", "urn:ietf:rfc:3986", "urn:uuid:" + node_);
    json_.close_object();
    json_.close_object();
    json_.close_array();
  }

  void write_source() {
    json_.key("entity");
    json_.open_array();
    json_.open_object();
    json_.member("role", "source");
    json_.key("what");
    json_.open_object();
    write_identifier(json_, "identifier", kChangeSet, id_);
    json_.close_object();
    json_.close_object();
    json_.close_array();
  }

  const PrintedSet& set_;
  const Facts& facts_;
  const Zone& zone_;
  std::string node_;
  std::string id_;
  std::string out_;
  JsonOut json_;
  struct Target {
    std::string reference;  ///< or the type, of a purged one
    std::string purged;     ///< its key
  };
  std::vector<Target> targets_;
};

}  // namespace

std::string bundle_json(const PrintedSet& set, std::span<const PrintedEntry> entries, const Facts& facts,
                        const Zone& zone) {
  return BundleWriter(set, facts, zone).write(entries);
}

}  // namespace omrsync::openmrs::fhir
