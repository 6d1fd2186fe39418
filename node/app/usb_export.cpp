#include <algorithm>
#include <chrono>

#include "adapters/http/signing.h"
#include "adapters/system/files.h"
#include "node/admin/nodes.h"
#include "node/app/daemon.h"
#include "node/app/identity.h"
#include "node/app/open.h"
#include "node/app/usb.h"
#include "node/app/usb_words.h"
#include "node/carry/take_stick.h"
#include "protocol/digest.h"

namespace omrsync::app {
namespace {

namespace fs = std::filesystem;
namespace tables = node::tables;

/// What stays free on a stick: manifest, readme, folders.
constexpr std::uint64_t kSpare = 1ULL << 20U;

Error fault(Code code, std::string message) { return {Remedy::stop_node, code, std::move(message)}; }

/// The other end of the link.
struct Other {
  std::string link;
  Uuid id;
  std::string name;
  bool takes_changes = true;  ///< a child without a catchment gets receipts only
};

Result<Other> find_other(const Config& config, ports::StoreTransaction& tx, const std::optional<std::string>& to) {
  OMRSYNC_TRY(children, admin::list_children(tx));
  std::erase_if(children, [](const auto& view) { return view.child.state == node::ChildRecord::State::revoked; });
  OMRSYNC_TRY(parent_name, tx.get(tables::kMeta, "parent_name"));
  if (config.parent && (!to || to == parent_name || *to == node::kParentLink)) {
    OMRSYNC_TRY(link, node::link_record(tx, node::kParentLink));
    OMRSYNC_TRY(stick, node::stick_record(tx, node::kParentLink));
    const Uuid id = link.life.parent.is_load() ? stick.peer.node : link.life.parent.node;
    return Other{node::kParentLink, id, parent_name.value_or("parent")};
  }
  if (!to && children.size() != 1) {
    std::string names;
    for (const auto& view : children) names += (names.empty() ? "" : ", ") + view.child.name;
    return fault(Code::usage, children.empty() ? "There is no other node to write for."
                                               : "Say for which node: --to one of " + names + ".");
  }
  OMRSYNC_TRY(view, admin::show_child(tx, to ? *to : children.front().child.name));
  if (view.child.state == node::ChildRecord::State::revoked)
    return fault(Code::certificate_revoked, view.child.name + " was revoked.");
  return Other{to_string(view.child.node), view.child.node, view.child.name, view.child.catchment != "none"};
}

/// A frozen batch that is to go: where it begins, and about how long it is.
struct Frozen {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t bytes = 0;
};

class Exporter {
 public:
  Exporter(const Config& config, ports::Store& store, const ExportRequest& request, const UsbTold& tell)
      : config_(config), store_(store), request_(request), tell_(tell) {}

  Result<UsbAnswer> work() {
    OMRSYNC_CHECK(prepare());
    if (request_.resume && take_up_draft()) {
      OMRSYNC_TRY(tx, store_.read());
      OMRSYNC_TRY(link, node::link_record(*tx, other_.link));
      if (draft_continues(link)) return write(*tx, link);
    }
    manifest_.volumes.clear();
    OMRSYNC_CHECK(freeze());
    OMRSYNC_TRY(tx, store_.read());
    OMRSYNC_TRY(link, node::link_record(*tx, other_.link));
    return write(*tx, link);
  }

 private:
  /// What is frozen stays for the reader `tx`, whatever the line confirms meanwhile.
  Result<UsbAnswer> write(ports::StoreTransaction& tx, const node::LinkRecord& link) {
    OMRSYNC_TRY(left_out, choose(tx, link));
    if (manifest_.volumes.empty()) OMRSYNC_CHECK(begin());
    if (manifest_.volumes.empty() || !batches_.empty()) OMRSYNC_CHECK(write_volumes(tx, link));
    OMRSYNC_TRY(package, finish());
    return answer(package, left_out);
  }

  Status prepare() {
    std::error_code error;
    if (!fs::is_directory(request_.folder, error))
      return fault(Code::not_found, "There is no folder " + request_.folder.string() + "; is the stick mounted?");
    OMRSYNC_CHECK(stick_key(config_, store_));
    OMRSYNC_TRY(tx, store_.write());
    OMRSYNC_TRY(identity, node::identity(*tx));
    if (!identity) return fault(Code::config_missing, "This node was not set up by 'omrsync init'.");
    identity_ = *identity;
    OMRSYNC_TRY(other, find_other(config_, *tx, request_.to));
    other_ = std::move(other);
    OMRSYNC_TRY(stick, node::stick_record(*tx, other_.link));
    stick_ = std::move(stick);
    if (stick_.recipient.empty())
      return fault(Code::usb_peer_unknown, "The key for packages to " + other_.name + " is not known yet.");
    OMRSYNC_CHECK(node::ready_link(*tx, now_ms(), identity_.actor(), other_.link));
    return tx->commit();
  }

  /// The export that was cut, where its folder is on this stick.
  bool take_up_draft() {
    const auto draft =
        stick_.draft.empty() ? Result<stick::Manifest>(fault(Code::not_found, {})) : stick::manifest_from(stick_.draft);
    if (!draft) return false;
    const fs::path partial = stick::partial_folder(request_.folder, *draft);
    std::error_code ignored;
    if (!fs::is_directory(partial, ignored) || draft->recipient_key != stick_.recipient) return false;
    manifest_ = *draft;
    std::size_t whole = 0;
    for (const stick::VolumeEntry& volume : manifest_.volumes) {
      if (!stick::check_volume(partial, volume, [](std::uint64_t) {})) break;
      ++whole;
    }
    manifest_.volumes.resize(whole);
    return true;
  }

  /// What is still to be written to the draft is still frozen.
  [[nodiscard]] bool draft_continues(const node::LinkRecord& link) const {
    return !manifest_.volumes.empty() && manifest_.volumes.back().last + 1 > link.acknowledged &&
           manifest_.epoch == identity_.incarnation.counter;
  }

  Status freeze() {
    if (!other_.takes_changes) return Done{};
    return freeze_all(config_, other_.link, request_.verbose, [this](const node::FreezeReport& report) {
      tell_({"freezing", "change sets", report.through, 0});
    });
  }

  /// What goes onto this stick; how many change sets stay for another one.
  Result<std::uint64_t> choose(ports::StoreTransaction& tx, const node::LinkRecord& link) {
    confirmed_ = link.acknowledged;
    const std::uint64_t written = manifest_.volumes.empty() ? 0 : manifest_.volumes.back().last;
    const std::uint64_t from = std::max({link.acknowledged + 1, written + 1, request_.from.value_or(1)});
    OMRSYNC_CHECK(tx.scan(tables::kFrozen, node::link_key(other_.link, 0), node::link_key(other_.link, UINT64_MAX),
                          SIZE_MAX, [&](const ports::Entry& entry) {
                            const std::uint64_t first = node::link_place(entry.key).number;
                            if (!batches_.empty()) batches_.back().last = first - 1;
                            batches_.push_back({first, link.next_number - 1, entry.value.size()});
                            return true;
                          }));
    std::erase_if(batches_, [&](const Frozen& batch) { return batch.last < from; });
    if (written != 0) std::erase_if(batches_, [&](const Frozen& batch) { return batch.last > manifest_.last; });
    OMRSYNC_TRY(free, system::free_bytes(request_.folder));
    std::uint64_t room = free > kSpare ? free - kSpare : 0;
    std::size_t fit = 0;
    for (; fit < batches_.size(); ++fit) {
      const std::uint64_t needed = batches_[fit].bytes + batches_[fit].bytes / 512 + 64;
      if (needed > room) break;
      room -= needed;
      total_ += batches_[fit].bytes;
    }
    const bool whole = fit == batches_.size();
    if (!whole && (fit == 0 || written != 0))
      return Error{Remedy::retry_later, Code::disk_full, "There is no room in " + request_.folder.string() + "."};
    const std::uint64_t left = whole ? 0 : batches_.back().last - batches_[fit - 1].last;
    batches_.resize(fit);
    return left;
  }

  Status begin() {
    manifest_ = {};
    manifest_.package = to_string(random_uuid());
    manifest_.sender = {identity_.node, identity_.name};
    manifest_.recipient = {other_.id, other_.name};
    manifest_.recipient_key = stick_.recipient;
    manifest_.epoch = identity_.incarnation.counter;
    manifest_.previous = stick_.previous;
    manifest_.created_ms = now_ms() / 1000 * 1000;
    manifest_.tool = std::string("omrsync ") + OMRSYNC_VERSION;
    if (!batches_.empty()) {
      manifest_.first = batches_.front().first;
      manifest_.last = batches_.back().last;
    }
    if (const auto draft = stick::manifest_from(stick_.draft)) {
      stick::remove_package(stick::partial_folder(request_.folder, *draft));
    }
    return stick::begin_package(partial(), false);
  }

  [[nodiscard]] fs::path partial() const { return stick::partial_folder(request_.folder, manifest_); }

  Status write_volumes(ports::StoreTransaction& tx, const node::LinkRecord& link) {
    const bool anew = manifest_.volumes.empty();
    OMRSYNC_CHECK(next_volume());
    if (anew) {
      OMRSYNC_CHECK(volume_->add(stick_item(node::stick_head(identity_, link)), 0, 0));
      if (other_.link != node::kParentLink)
        OMRSYNC_CHECK(node::each_receipt(
            tx, other_.link, link, [&](const Receipt& receipt) { return volume_->add(stick_item(receipt), 0, 0); }));
    }
    std::uint64_t done = 0;
    for (const Frozen& batch : batches_) {
      OMRSYNC_TRY(bytes, tx.get(tables::kFrozen, node::link_key(other_.link, batch.first)));
      if (!bytes) return fault(Code::defect, "A frozen batch is gone.");
      const std::string item = stick_item_of_batch(*bytes);
      // Sealing adds 16 bytes to 64 KiB, and a chunk may still wait.
      if (!volume_->empty() &&
          volume_->bytes() + item.size() + item.size() / 4096 + (80ULL << 10U) > request_.volume_size) {
        OMRSYNC_CHECK(end_volume());
        OMRSYNC_CHECK(next_volume());
      }
      OMRSYNC_CHECK(volume_->add(item, batch.first, batch.last));
      done += batch.bytes;
      tell_({"writing", "bytes", done, total_});
    }
    return end_volume();
  }

  Status next_volume() {
    const fs::path path = partial() / stick::volume_name(manifest_.volumes.size() + 1);
    OMRSYNC_TRY(volume, stick::VolumeWriter::create(path, manifest_.recipient_key));
    volume_ = std::move(volume);
    return Done{};
  }

  /// The volume is whole: a resumed export keeps it.
  Status end_volume() {
    OMRSYNC_TRY(entry, volume_->finish());
    manifest_.volumes.push_back(std::move(entry));
    OMRSYNC_TRY(tx, store_.write());
    OMRSYNC_TRY(record, node::stick_record(*tx, other_.link));
    record.draft = to_string(to_json(manifest_));
    OMRSYNC_CHECK(node::put_stick(*tx, other_.link, record));
    return tx->commit();
  }

  Status remember(const stick::Package& package) {
    OMRSYNC_TRY(tx, store_.write());
    OMRSYNC_TRY(record, node::stick_record(*tx, other_.link));
    record.written = {manifest_.package, manifest_.first, manifest_.last, manifest_.created_ms, now_ms()};
    record.previous = to_hex(sha256(package.manifest_text));
    record.draft.clear();
    OMRSYNC_CHECK(node::put_stick(*tx, other_.link, record));
    OMRSYNC_CHECK(audit_package(*tx, now_ms(), "stick.written", manifest_, nullptr));
    return tx->commit();
  }

  Result<stick::Package> finish() {
    OMRSYNC_TRY(key, signing_key(config_, other_.link));
    manifest_.certificate = to_hex(sha256(key.certificate_pem));
    stick::Package package;
    package.manifest = manifest_;
    package.manifest_text = to_pretty_string(to_json(manifest_)) + "\n";
    package.certificate = key.certificate_pem;
    OMRSYNC_TRY(signature, http::sign(key.key_pem, package.manifest_text));
    package.signature = std::move(signature);
    OMRSYNC_TRY(folder, stick::finish_package(partial(), package));
    OMRSYNC_TRY(read, stick::read_package(folder));
    OMRSYNC_CHECK(check_package_signature(read));
    std::uint64_t done = 0;
    OMRSYNC_CHECK(stick::check_volumes(read, [&](std::uint64_t bytes) {
      tell_({"checking", "bytes", done += bytes, manifest_.bytes()});
    }));
    OMRSYNC_CHECK(remember(read));
    remove_superseded(read);
    return read;
  }

  /// Older packages of ours whose every change set is in the new one, or was confirmed.
  void remove_superseded(const stick::Package& fresh) const {
    const auto all = read_packages(request_.folder);
    if (!all) return;
    for (const Found& found : *all) {
      if (!found.package || found.folder == fresh.folder) continue;
      const stick::Manifest& old = found.package->manifest;
      const bool same_way = old.sender.id == fresh.manifest.sender.id && old.epoch == fresh.manifest.epoch &&
                            old.recipient.id == fresh.manifest.recipient.id;
      const bool inside =
          old.last <= confirmed_ || (old.first >= fresh.manifest.first && old.last <= fresh.manifest.last);
      if (same_way && inside && check_package_signature(*found.package)) stick::remove_package(found.folder);
    }
  }

  [[nodiscard]] UsbAnswer answer(const stick::Package& package, std::uint64_t left_out) const {
    UsbAnswer answer;
    Json json = package_json("export", package, left_out == 0 ? "written" : "full");
    json.set("left_out", left_out);
    if (left_out > 0) {
      const std::uint64_t next = package.manifest.last + 1;
      json.set("next", next);
      answer.failure = Error{Remedy::retry_later, Code::disk_full,
                             "The stick is full; " + std::to_string(left_out) +
                                 " change sets stay for another one: --from " + std::to_string(next) + "."};
    }
    answer.packages.push_back(std::move(json));
    return answer;
  }

  const Config& config_;
  ports::Store& store_;
  const ExportRequest& request_;
  const UsbTold& tell_;
  node::Identity identity_;
  Other other_;
  node::StickRecord stick_;
  stick::Manifest manifest_;
  std::vector<Frozen> batches_;
  std::uint64_t total_ = 0;
  std::uint64_t confirmed_ = 0;
  std::unique_ptr<stick::VolumeWriter> volume_;
};

}  // namespace

Result<UsbAnswer> usb_export(const Config& config, const ExportRequest& request, const UsbTold& tell) {
  if (request.volume_size < kVolumeSizeLeast || request.volume_size > kVolumeSizeMost)
    return fault(Code::usage, "A volume has 64KiB to 4294967295B.");
  OMRSYNC_TRY(store, open_store(config));
  return Exporter(config, *store, request, tell).work();
}

}  // namespace omrsync::app
