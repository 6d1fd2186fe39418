#include "node/app/usb_words.h"

#include <algorithm>
#include <tuple>

#include "adapters/http/signing.h"
#include "node/admin/words.h"
#include "node/store/facts.h"
#include "protocol/digest.h"

namespace omrsync::app {
namespace {

Json party_json(const stick::Party& party) {
  Json json;
  return json.set("id", to_string(party.id)).set("name", party.name);
}

}  // namespace

Json package_json(std::string_view act, const stick::Package& package, std::string_view state) {
  const stick::Manifest& manifest = package.manifest;
  Json json;
  json.set("schema", "omrsync/usb/1").set("act", act).set("state", state);
  json.set("package", manifest.package).set("folder", package.folder.string());
  json.set("kind", manifest.first == 0 ? "receipt" : "changes");
  json.set("sender", party_json(manifest.sender)).set("recipient", party_json(manifest.recipient));
  json.set("epoch", manifest.epoch).set("first", manifest.first).set("last", manifest.last);
  json.set("created", admin::time_text(manifest.created_ms));
  return json.set("volumes", manifest.volumes.size()).set("bytes", manifest.bytes());
}

Json refused_json(std::string_view act, const std::filesystem::path& folder, const Error& error) {
  Json json;
  json.set("schema", "omrsync/usb/1").set("act", act).set("state", "refused").set("folder", folder.string());
  return json.set("code", to_string(error.code)).set("message", error.message);
}

Json missing_json(std::uint64_t stored, const node::PackageNote& package) {
  Json json;
  json.set("first", stored + 1).set("last", package.first - 1).set("package", package.package);
  return json.set("created", admin::time_or_null(package.created_ms)).set("since", admin::time_or_null(package.at_ms));
}

Result<std::vector<Found>> read_packages(const std::filesystem::path& folder) {
  OMRSYNC_TRY(folders, stick::find_packages(folder));
  std::vector<Found> all;
  for (const auto& each : folders) all.push_back({each, stick::read_package(each)});
  const auto place = [](const Found& found) {
    if (!found.package) return std::tuple<Uuid, std::uint64_t, std::uint64_t, std::int64_t>{};
    const stick::Manifest& m = found.package->manifest;
    return std::tuple{m.sender.id, m.epoch, m.first, m.created_ms};
  };
  std::stable_sort(all.begin(), all.end(), [&](const Found& a, const Found& b) { return place(a) < place(b); });
  return all;
}

Status check_package_signature(const stick::Package& package) {
  if (to_hex(sha256(package.certificate)) != package.manifest.certificate)
    return Error{Remedy::set_aside, Code::usb_altered, "The sender's certificate is not the one that was signed."};
  return http::check_signature(package.certificate, package.manifest_text, package.signature);
}

Status audit_package(ports::StoreTransaction& tx, std::int64_t now_ms, std::string_view act,
                     const stick::Manifest& manifest, const Error* refused) {
  Json record;
  record.set("act", act).set("at_ms", now_ms).set("by", "operator").set("package", manifest.package);
  record.set("sender", to_string(manifest.sender.id)).set("recipient", to_string(manifest.recipient.id));
  record.set("first", manifest.first).set("last", manifest.last);
  if (refused != nullptr) record.set("code", to_string(refused->code));
  return node::append_audit(tx, to_string(record));
}

}  // namespace omrsync::app
