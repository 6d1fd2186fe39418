#include "adapters/stick/manifest.h"

#include <algorithm>
#include <ctime>
#include <optional>

namespace omrsync::stick {
namespace {

constexpr std::string_view kSchema = "omrsync/package/1";
constexpr std::string_view kSchemas = "omrsync/package/";

std::string time_text(std::int64_t ms) {
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::optional<std::int64_t> time_from(std::string_view text) {
  std::tm parts{};
  const std::string whole(text);
  const char* end = ::strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return static_cast<std::int64_t>(::timegm(&parts)) * 1000;
}

Json party_json(const Party& party) {
  Json json;
  return json.set("id", to_string(party.id)).set("name", party.name);
}

Error no_manifest() { return {Remedy::set_aside, Code::usb_altered, "manifest.json is no manifest of a package."}; }

std::optional<Party> party_from(const Json* json) {
  if (json == nullptr) return std::nullopt;
  const auto id = parse_uuid(json->text_of("id"));
  if (!id) return std::nullopt;
  return Party{*id, std::string(json->text_of("name"))};
}

std::optional<std::uint64_t> number_of(const Json& json, std::string_view member) {
  const Json* value = json.find(member);
  if (value == nullptr || value->integer() == nullptr || *value->integer() < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value->integer());
}

std::optional<VolumeEntry> volume_from(const Json& json, std::size_t number) {
  const auto bytes = number_of(json, "bytes"), first = number_of(json, "first"), last = number_of(json, "last");
  const std::string_view digest = json.text_of("sha256");
  if (json.text_of("name") != volume_name(number) || digest.size() != 64 || !bytes || !first || !last)
    return std::nullopt;
  return VolumeEntry{volume_name(number), *bytes, std::string(digest), *first, *last};
}

/// What a site calls itself, as it may stand in a file name.
std::string short_name(std::string_view name) {
  std::string text;
  for (char c : name.substr(0, 14)) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain || (!text.empty() && text.back() != '-')) text += plain ? c : '-';
  }
  if (text.ends_with('-')) text.pop_back();
  return text;
}

}  // namespace

std::uint64_t Manifest::bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const VolumeEntry& volume : volumes) sum += volume.bytes;
  return sum;
}

Json to_json(const Manifest& manifest) {
  Json json;
  json.set("schema", kSchema).set("package", manifest.package);
  json.set("kind", manifest.first == 0 ? "receipt" : "changes");
  json.set("sender", party_json(manifest.sender)).set("recipient", party_json(manifest.recipient));
  json.set("recipient_keys", Json(Json::Array{Json(manifest.recipient_key)}));
  json.set("certificate", manifest.certificate);
  json.set("epoch", manifest.epoch).set("first", manifest.first).set("last", manifest.last);
  json.set("previous", manifest.previous.empty() ? Json() : Json(manifest.previous));
  json.set("created", time_text(manifest.created_ms));
  Json::Array volumes;
  for (const VolumeEntry& volume : manifest.volumes) {
    Json one;
    one.set("name", volume.name).set("bytes", volume.bytes).set("sha256", volume.sha256);
    volumes.push_back(one.set("first", volume.first).set("last", volume.last));
  }
  return json.set("volumes", std::move(volumes)).set("tool", manifest.tool);
}

Result<Manifest> manifest_from(std::string_view text) {
  const auto json = parse_json(text, Code::usb_altered);
  if (!json) return no_manifest();
  const std::string_view schema = json->text_of("schema");
  if (schema != kSchema && schema.starts_with(kSchemas))
    return Error{Remedy::set_aside, Code::usb_version_unknown,
                 "The package is of a newer kind than this omrsync knows."};
  const auto sender = party_from(json->find("sender")), recipient = party_from(json->find("recipient"));
  const auto epoch = number_of(*json, "epoch"), first = number_of(*json, "first"), last = number_of(*json, "last");
  const auto created = time_from(json->text_of("created"));
  const Json* volumes = json->find("volumes");
  const Json* keys = json->find("recipient_keys");
  if (schema != kSchema || !parse_uuid(json->text_of("package")) || !sender || !recipient || !epoch || !first ||
      !last || !created || volumes == nullptr || volumes->array() == nullptr || volumes->array()->empty())
    return no_manifest();
  Manifest manifest{std::string(json->text_of("package")),
                    *sender,
                    *recipient,
                    {},
                    std::string(json->text_of("certificate")),
                    *epoch,
                    *first,
                    *last,
                    std::string(json->text_of("previous")),
                    *created,
                    std::string(json->text_of("tool")),
                    {}};
  if (keys != nullptr && keys->array() != nullptr && !keys->array()->empty() &&
      keys->array()->front().text() != nullptr)
    manifest.recipient_key = *keys->array()->front().text();
  for (const Json& each : *volumes->array()) {
    const auto volume = volume_from(each, manifest.volumes.size() + 1);
    if (!volume) return no_manifest();
    manifest.volumes.push_back(*volume);
  }
  return manifest;
}

std::string folder_name(const Manifest& manifest) {
  std::string name = "omrs-sync-" + short_name(manifest.sender.name) + "-" + short_name(manifest.recipient.name) +
                     "-e" + std::to_string(manifest.epoch);
  if (manifest.first == 0) return name + "-receipt-" + manifest.package.substr(0, 8);
  return name + "-" + std::to_string(manifest.first) + "-" + std::to_string(manifest.last);
}

}  // namespace omrsync::stick
