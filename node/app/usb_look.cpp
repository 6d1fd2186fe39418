#include "node/admin/nodes.h"
#include "node/admin/words.h"
#include "node/app/open.h"
#include "node/app/usb.h"
#include "node/app/usb_trust.h"
#include "node/app/usb_words.h"
#include "node/tuning.h"
#include "protocol/digest.h"
#include "protocol/envelope.h"
#include "protocol/stick.h"

namespace omrsync::app {
namespace {

namespace tables = node::tables;

/// An item can be read, and a batch is what its sender froze.
Status check_item(std::string_view bytes) {
  OMRSYNC_TRY(item, decode_stick_item(bytes));
  const Batch* batch = std::get_if<Batch>(&item);
  if (batch == nullptr) return Done{};
  if (sha256(batch->frame) != batch->digest)
    return Error{Remedy::set_aside, Code::usb_volume_damaged, "A batch is not what was frozen."};
  return read_frame(batch->frame, node::tuning::kFrameBytesMost, [](std::string_view) { return Status{Done{}}; });
}

/// Everything that can be said of a package without taking it.
Status look(const Config& config, ports::StoreTransaction& tx, const stick::AgeKey& key, const stick::Package& package,
            const UsbTold& tell) {
  OMRSYNC_TRY(identity, node::identity(tx));
  if (!identity) return Error{Remedy::stop_node, Code::config_missing, "This node was not set up by 'omrsync init'."};
  OMRSYNC_CHECK(check_package_signature(package));
  const bool own = package.manifest.sender.id == identity->node;
  if (!own) OMRSYNC_CHECK(link_of_package(config, tx, *identity, package));
  std::uint64_t done = 0;
  const auto checking = [&](std::uint64_t bytes) {
    tell({"checking", "bytes", done += bytes, package.manifest.bytes() * (own ? 1 : 2)});
  };
  OMRSYNC_CHECK(stick::check_volumes(package, checking));
  if (own) return Done{};
  for (const stick::VolumeEntry& volume : package.manifest.volumes)
    OMRSYNC_CHECK(stick::read_volume(package.folder / volume.name, key, checking, check_item));
  return Done{};
}

Json note_json(const node::PackageNote& note) {
  if (note.package.empty()) return {};
  Json json;
  json.set("package", note.package).set("first", note.first).set("last", note.last);
  return json.set("created", admin::time_or_null(note.created_ms)).set("at", admin::time_or_null(note.at_ms));
}

Result<Json> link_json(ports::StoreTransaction& tx, const std::string& link, const std::string& name) {
  OMRSYNC_TRY(record, node::link_record(tx, link));
  OMRSYNC_TRY(stick, node::stick_record(tx, link));
  std::uint64_t bytes = 0;
  OMRSYNC_CHECK(tx.scan(tables::kFrozen, node::link_key(link, 0), node::link_key(link, UINT64_MAX), SIZE_MAX,
                        [&](const ports::Entry& entry) {
                          bytes += entry.value.size();
                          return true;
                        }));
  Json json;
  json.set("schema", "omrsync/usb/1").set("act", "status").set("link", link).set("name", name);
  json.set("key_known", !stick.recipient.empty());
  json.set("frozen_through", record.next_number - 1).set("confirmed_through", record.acknowledged);
  json.set("frozen_bytes", bytes).set("stored_through", record.stored);
  json.set("written", note_json(stick.written)).set("read", note_json(stick.read));
  json.set("unfinished", !stick.draft.empty());
  const bool missing = !stick.missed.package.empty() && record.stored + 1 < stick.missed.first;
  return json.set("missing", missing ? missing_json(record.stored, stick.missed) : Json());
}

}  // namespace

Result<UsbAnswer> usb_verify(const Config& config, const std::filesystem::path& folder, const UsbTold& tell) {
  OMRSYNC_TRY(found, read_packages(folder));
  OMRSYNC_TRY(store, open_store(config));
  OMRSYNC_TRY(key, stick_key(config, *store));
  OMRSYNC_TRY(tx, store->read());
  UsbAnswer answer;
  std::optional<Error> for_others;  // counts only where there is nothing else
  bool any_whole = false;
  for (const Found& each : found) {
    const Status whole = each.package ? look(config, *tx, key, *each.package, tell) : Status(each.package.error());
    if (whole) {
      answer.packages.push_back(package_json("verify", *each.package, "whole"));
      any_whole = true;
    } else if (whole.error().code == Code::usb_not_for_us && each.package) {
      answer.packages.push_back(package_json("verify", *each.package, "for another node"));
      for_others = whole.error();
    } else {
      answer.packages.push_back(refused_json("verify", each.folder, whole.error()));
      if (!answer.failure) answer.failure = whole.error();
    }
  }
  if (!answer.failure && !any_whole) answer.failure = for_others;
  return answer;
}

Result<UsbAnswer> usb_inspect(const std::filesystem::path& folder) {
  OMRSYNC_TRY(found, read_packages(folder));
  UsbAnswer answer;
  for (const Found& each : found) {
    if (!each.package) {
      answer.packages.push_back(refused_json("inspect", each.folder, each.package.error()));
      if (!answer.failure) answer.failure = each.package.error();
      continue;
    }
    const bool signature = check_package_signature(*each.package).has_value();
    answer.packages.push_back(package_json("inspect", *each.package, signature ? "signed" : "altered"));
  }
  return answer;
}

Result<std::vector<Json>> usb_status(const Config& config) {
  OMRSYNC_TRY(store, open_store(config));
  OMRSYNC_TRY(tx, store->read());
  std::vector<Json> all;
  if (config.parent) {
    OMRSYNC_TRY(name, tx->get(tables::kMeta, "parent_name"));
    OMRSYNC_TRY(json, link_json(*tx, node::kParentLink, name.value_or("parent")));
    all.push_back(std::move(json));
  }
  OMRSYNC_TRY(children, admin::list_children(*tx));
  for (const admin::ChildView& view : children) {
    OMRSYNC_TRY(json, link_json(*tx, to_string(view.child.node), view.child.name));
    all.push_back(std::move(json));
  }
  return all;
}

}  // namespace omrsync::app
