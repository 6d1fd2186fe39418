#include "adapters/system/files.h"
#include "node/admin/words.h"
#include "node/app/open.h"
#include "node/app/state_folder.h"
#include "node/app/usb.h"
#include "node/app/usb_trust.h"
#include "node/app/usb_words.h"
#include "node/carry/take_stick.h"
#include "node/receive/take_batch.h"

namespace omrsync::app {
namespace {

namespace tables = node::tables;

/// So much shares a commit, an fsync.
constexpr std::size_t kCommitBytes = 1U << 20U;
/// What stays free on the node's own disk.
constexpr std::uint64_t kDiskFloor = 64ULL << 20U;

Error altered(const char* message) { return {Remedy::set_aside, Code::usb_altered, message}; }

/// Puts the items of one package into the store, some a commit.
class Taker {
 public:
  Taker(ports::Store& store, const node::Identity& identity, std::string link, const stick::Manifest& manifest)
      : store_(store), identity_(identity), link_(std::move(link)), manifest_(manifest) {}

  Status begin() {
    OMRSYNC_CHECK(open());
    before_ = record_.stored;
    return Done{};
  }

  Status take(std::string_view bytes, const stick::VolumeEntry& volume) {
    OMRSYNC_TRY(item, decode_stick_item(bytes));
    if (!tx_) OMRSYNC_CHECK(open());
    const std::int64_t now = now_ms();
    if (const auto* head = std::get_if<StickHead>(&item)) {
      head_ = *head;
      OMRSYNC_CHECK(node::take_head(*tx_, now, identity_.actor(), link_, record_, *head));
      before_ = record_.stored;
      return Done{};
    }
    if (!head_) return altered("A package does not begin as one.");
    if (const auto* receipt = std::get_if<Receipt>(&item)) {
      if (link_ == node::kParentLink) OMRSYNC_CHECK(node::take_receipt(*tx_, now, link_, record_, *receipt));
      return Done{};
    }
    const Batch& batch = std::get<Batch>(item);
    if (batch.first < volume.first || batch.last > volume.last) return altered("A volume has numbers of another one.");
    OMRSYNC_CHECK(node::take_stick_batch(*tx_, now, link_, record_, batch));
    waiting_ += bytes.size();
    return waiting_ < kCommitBytes ? Status{Done{}} : commit();
  }

  /// After a package, or as much of it as there was before a gap.
  Status end(const Error* gap) {
    if (!tx_) OMRSYNC_CHECK(open());
    const node::PackageNote note{manifest_.package, manifest_.first, manifest_.last, manifest_.created_ms, now_ms()};
    OMRSYNC_TRY(stick, node::stick_record(*tx_, link_));
    if (gap == nullptr && stick.read.created_ms <= note.created_ms) stick.read = note;
    if (gap != nullptr) stick.missed = note;
    if (!stick.missed.package.empty() && record_.stored + 1 >= stick.missed.first) stick.missed = {};
    OMRSYNC_CHECK(node::put_stick(*tx_, link_, stick));
    OMRSYNC_CHECK(audit_package(*tx_, now_ms(), gap == nullptr ? "stick.read" : "stick.refused", manifest_, gap));
    OMRSYNC_TRY(child, node::get_record<node::ChildRecord>(*tx_, tables::kNodes, link_));
    if (child && child->last_seen_ms < manifest_.created_ms) {
      child->last_seen_ms = manifest_.created_ms;
      OMRSYNC_CHECK(node::put_record(*tx_, tables::kNodes, link_, *child));
    }
    return commit();
  }

  [[nodiscard]] std::uint64_t taken() const noexcept { return record_.stored - before_; }
  [[nodiscard]] std::uint64_t stored() const noexcept { return record_.stored; }

  /// Nothing of the package is taken; who wrote it may be worth knowing.
  Status give_up(const Error& error) {
    tx_.reset();
    if (error.code != Code::usb_life_over || !head_) return Done{};
    OMRSYNC_TRY(tx, store_.write());
    OMRSYNC_CHECK(node::note_sender(*tx, link_, *head_));
    return tx->commit();
  }

 private:
  Status open() {
    OMRSYNC_TRY(tx, store_.write());
    tx_ = std::move(tx);
    OMRSYNC_TRY(record, node::link_record(*tx_, link_));
    record_ = std::move(record);
    return Done{};
  }

  Status commit() {
    OMRSYNC_CHECK(node::put_link(*tx_, link_, record_));
    OMRSYNC_CHECK(tx_->commit());
    tx_.reset();
    waiting_ = 0;
    return Done{};
  }

  ports::Store& store_;
  const node::Identity& identity_;
  std::string link_;
  const stick::Manifest& manifest_;
  std::unique_ptr<ports::StoreTransaction> tx_;
  node::LinkRecord record_;
  std::uint64_t before_ = 0;
  std::size_t waiting_ = 0;
  std::optional<StickHead> head_;
};

class Importer {
 public:
  Importer(const Config& config, ports::Store& store, stick::AgeKey key, const UsbTold& tell)
      : config_(config), store_(store), key_(std::move(key)), tell_(tell) {}

  Result<UsbAnswer> work(const std::filesystem::path& folder) {
    OMRSYNC_TRY(found, read_packages(folder));
    {
      OMRSYNC_TRY(tx, store_.read());
      OMRSYNC_TRY(identity, node::identity(*tx));
      if (!identity)
        return Error{Remedy::stop_node, Code::config_missing, "This node was not set up by 'omrsync init'."};
      identity_ = std::move(*identity);
    }
    for (const Found& each : found) OMRSYNC_CHECK(one(each));
    if (ours_ == 0 && !answer_.failure) answer_.failure = for_others_;
    return std::move(answer_);
  }

 private:
  /// Fails only where going on with the others has no sense.
  Status one(const Found& found) {
    if (!found.package) return refuse(found.folder, nullptr, found.package.error());
    const stick::Package& package = *found.package;
    const auto link = link_of(package);
    if (!link && link.error().code == Code::usb_not_for_us) {
      for_others_ = link.error();
      answer_.packages.push_back(package_json("import", package, "for another node"));
      return Done{};
    }
    if (!link) return refuse(found.folder, &package, link.error());
    ++ours_;
    if (const Status sound = look_over(package); !sound) return refuse(found.folder, &package, sound.error());
    return take(package, *link);
  }

  Result<std::string> link_of(const stick::Package& package) {
    OMRSYNC_TRY(tx, store_.read());
    return link_of_package(config_, *tx, identity_, package);
  }

  Status look_over(const stick::Package& package) {
    std::uint64_t done = 0;
    OMRSYNC_CHECK(stick::check_volumes(package, [&](std::uint64_t bytes) {
      tell_({"checking", "bytes", done += bytes, package.manifest.bytes()});
    }));
    OMRSYNC_TRY(free, system::free_bytes(StateFolder(config_).path));
    if (free < package.manifest.bytes() + kDiskFloor)
      return Error{Remedy::retry_later, Code::disk_full, "There is no room for the package on this node's disk."};
    return Done{};
  }

  Status take(const stick::Package& package, const std::string& link) {
    Taker taker(store_, identity_, link, package.manifest);
    OMRSYNC_CHECK(taker.begin());
    Status read = Done{};
    std::uint64_t done = 0;
    for (const stick::VolumeEntry& volume : package.manifest.volumes) {
      read = stick::read_volume(
          package.folder / volume.name, key_,
          [&](std::uint64_t bytes) {
            tell_({"reading", "bytes", done += bytes, package.manifest.bytes()});
          },
          [&](std::string_view item) { return taker.take(item, volume); });
      if (!read) break;
    }
    const bool gap = !read && read.error().code == Code::usb_gap;
    if (!read && !gap) {
      OMRSYNC_CHECK(taker.give_up(read.error()));
      return refuse(package.folder, &package, read.error());
    }
    OMRSYNC_CHECK(taker.end(gap ? &read.error() : nullptr));
    tell(package, taker, gap);
    if (gap)
      fail({read.error().remedy, read.error().code,
            "Before the package of " + package.manifest.sender.name + ", written " +
                admin::time_text(package.manifest.created_ms) + ", " +
                node::numbers_text(taker.stored() + 1, package.manifest.first - 1) + " are missing."});
    return Done{};
  }

  void tell(const stick::Package& package, const Taker& taker, bool gap) {
    const stick::Manifest& manifest = package.manifest;
    const std::uint64_t all = manifest.first == 0 ? 0 : manifest.last - manifest.first + 1;
    Json json = package_json("import", package, gap ? "gap" : taker.taken() == 0 && all != 0 ? "duplicate" : "taken");
    json.set("taken", taker.taken()).set("duplicates", gap ? 0 : all - taker.taken());
    json.set("stored_through", taker.stored());
    json.set("missing", gap ? missing_json(taker.stored(), {manifest.package, manifest.first, manifest.last,
                                                            manifest.created_ms, now_ms()})
                            : Json());
    answer_.packages.push_back(std::move(json));
  }

  void fail(const Error& error) {
    if (!answer_.failure) answer_.failure = error;
  }

  Status refuse(const std::filesystem::path& folder, const stick::Package* package, const Error& error) {
    answer_.packages.push_back(refused_json("import", folder, error));
    fail(error);
    OMRSYNC_TRY(tx, store_.write());
    OMRSYNC_CHECK(audit_package(*tx, now_ms(), "stick.refused",
                                package == nullptr ? stick::Manifest{} : package->manifest, &error));
    return tx->commit();
  }

  const Config& config_;
  ports::Store& store_;
  stick::AgeKey key_;
  const UsbTold& tell_;
  node::Identity identity_;
  UsbAnswer answer_;
  std::size_t ours_ = 0;
  std::optional<Error> for_others_;
};

}  // namespace

Result<UsbAnswer> usb_import(const Config& config, const std::filesystem::path& folder, const UsbTold& tell) {
  OMRSYNC_TRY(store, open_store(config));
  OMRSYNC_TRY(key, stick_key(config, *store));
  return Importer(config, *store, std::move(key), tell).work(folder);
}

}  // namespace omrsync::app
