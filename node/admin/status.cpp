#include "node/admin/status.h"

#include <algorithm>
#include <cmath>

#include "node/admin/load.h"
#include "node/admin/words.h"
#include "node/store/facts.h"
#include "node/tuning.h"

namespace omrsync::admin {
namespace {

namespace tables = node::tables;
using node::InboxItem;

constexpr std::int64_t kClockTrusted_ms = 2000;
bool is_clock_off(std::int64_t offset_ms) { return std::abs(offset_ms) > node::tuning::kClockOff.count(); }
std::string seconds_off(std::int64_t offset_ms) { return std::to_string(std::abs(offset_ms) / 1000) + " s off"; }

constexpr std::int64_t kSilentTooLong_ms = 24LL * 3600 * 1000;

Json fault_json(const Fault& fault) {
  const CodeEntry& code = describe(fault.code);
  Json json;
  return json.set("code", to_string(code.code)).set("message", fault.message).set("remedy", code.remedy);
}

/// What is said of a link that failed last time.
std::string_view state_of(Code code) {
  switch (code) {
    case Code::line_foreign_answer:
    case Code::tls_identity_mismatch:
      return "foreign";
    case Code::clock_off:
      return "clock";
    case Code::line_resting:
      return "paused";
    case Code::certificate_revoked:
      return "revoked";
    case Code::line_unreachable:
    case Code::line_cut:
    case Code::line_busy:
      return "unreachable";
    default:
      return "refused";
  }
}

class Teller {
 public:
  Teller(ports::StoreTransaction& tx, const Surroundings& around) : tx_(tx), around_(around) {}

  Result<StatusAnswer> tell() {
    OMRSYNC_CHECK(tell_node());
    OMRSYNC_CHECK(tell_capture());
    OMRSYNC_CHECK(tell_outbox());
    OMRSYNC_CHECK(tell_loads());
    OMRSYNC_CHECK(tell_inbox());
    OMRSYNC_CHECK(tell_conflicts());
    OMRSYNC_CHECK(tell_parent());
    OMRSYNC_CHECK(tell_children());
    tell_machine();
    Json::Array next;
    for (const std::string& command : next_) next.emplace_back(command);
    answer_.json.set("next", std::move(next));
    return std::move(answer_);
  }

 private:
  void attend(std::string why, std::string next) {
    answer_.attention.push_back(std::move(why));
    if (std::find(next_.begin(), next_.end(), next) == next_.end()) next_.push_back(std::move(next));
  }

  Status tell_node() {
    OMRSYNC_TRY(identity, node::identity(tx_));
    Json about;
    about.set("name", identity ? identity->name : "").set("id", identity ? Json(to_string(identity->node)) : Json());
    about.set("role", around_.role).set("incarnation", identity ? identity->incarnation.counter : 0);
    answer_.json.set("schema", "omrsync/status/1").set("node", about.set("version", around_.version));
    Json daemon;
    daemon.set("running", around_.daemon_pid.has_value());
    daemon.set("pid", around_.daemon_pid ? Json(*around_.daemon_pid) : Json());
    answer_.json.set("daemon", daemon);
    if (!around_.daemon_pid) attend("the daemon does not run", "omrsync serve");
    return Done{};
  }

  Status tell_capture() {
    if (!around_.has_openmrs) return Done{};
    OMRSYNC_TRY(record, node::capture_record(tx_));
    Json capture;
    const bool live = around_.daemon_pid && around_.capture;
    const std::string state = live ? around_.capture->state : around_.daemon_pid ? "running" : "stopped";
    capture.set("state", state).set("source", around_.capture_source);
    std::string position = live ? around_.capture->position : "";
    if (position.empty() && record)
      position = record->position.gtid.empty() ? record->position.file + ":" + std::to_string(record->position.offset)
                                               : record->position.gtid;
    capture.set("position", position.empty() ? Json() : Json(position));
    capture.set("lag_seconds", live ? Json(around_.capture->lag_seconds) : Json());
    if (live && around_.capture->fault) {
      capture.set("error", fault_json(*around_.capture->fault));
      attend("capture: " + around_.capture->fault->message, "omrsync doctor");
    }
    answer_.json.set("capture", capture);
    return Done{};
  }

  Status tell_outbox() {
    if (!around_.parent_url) return Done{};
    OMRSYNC_TRY(link, node::link_record(tx_, node::kParentLink));
    Json load;
    load.set("state", link.load.done ? "done" : link.load.table.empty() ? "waiting" : "running");
    answer_.json.set("load", load.set("rows", link.load.rows).set("of", std::max(link.load.rows, link.load.of)));
    std::uint64_t sets = 0;
    std::uint64_t bytes = 0;
    std::int64_t oldest = 0;
    const auto count = [&](std::int64_t since) {
      ++sets;
      if (oldest == 0 || since < oldest) oldest = since;
    };
    const std::string from = std::string(node::kParentLink) + '\0';
    const std::string to = ports::end_of_prefix(from);
    OMRSYNC_CHECK(tx_.scan(tables::kOutbox, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      node::Unpacker in(entry.value);
      count(node::OfferedSet::unpack(in).stamp.at_ms);
      bytes += entry.value.size();
      return true;
    }));
    OMRSYNC_CHECK(tx_.scan(tables::kSent, from, to, SIZE_MAX, [&](const ports::Entry& entry) {
      node::Unpacker in(entry.value);
      const auto sent = node::SentSet::unpack(in);
      if (!sent.stored) count(sent.since_ms);
      return true;
    }));
    OMRSYNC_CHECK(tx_.scan(tables::kFrozen, from, to, SIZE_MAX, [&](const ports::Entry& entry) {
      bytes += entry.value.size();
      return true;
    }));
    Json outbox;
    answer_.json.set("outbox", outbox.set("change_sets", sets).set("bytes", bytes).set("oldest", time_or_null(oldest)));
    return Done{};
  }

  /// Comparisons that found so many rows gone that somebody must say yes.
  Status tell_loads() {
    OMRSYNC_TRY(loads, load_status(tx_));
    for (const LoadView& load : loads) {
      if (load.asks_deletes)
        attend(std::to_string(*load.asks_deletes) + " rows of " + load.table + " are gone", "omrsync load status");
      if (load.reconcile)
        attend("an older copy of this machine's data was put back; all of it is being compared", "omrsync load status");
    }
    return Done{};
  }

  Status tell_inbox() {
    std::uint64_t waiting = 0;
    std::uint64_t held = 0;
    std::uint64_t quarantined = 0;
    OMRSYNC_CHECK(tx_.scan(tables::kInbox, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      node::Unpacker in(entry.value);
      const auto state = InboxItem::unpack(in).state;
      ++(state == InboxItem::State::waiting ? waiting : state == InboxItem::State::quarantined ? quarantined : held);
      return true;
    }));
    Json inbox;
    answer_.json.set("inbox", inbox.set("waiting", waiting).set("held", held).set("quarantined", quarantined));
    if (quarantined > 0) attend(std::to_string(quarantined) + " quarantined", "omrsync queue ls --state quarantined");
    return Done{};
  }

  Status tell_conflicts() {
    std::uint64_t open = 0;
    OMRSYNC_CHECK(tx_.scan(tables::kConflicts, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      node::Unpacker in(entry.value);
      open += node::ConflictRecord::unpack(in).open ? 1 : 0;
      return true;
    }));
    Json conflicts;
    answer_.json.set("conflicts", conflicts.set("open", open));
    if (open > 0) attend(std::to_string(open) + " open conflicts", "omrsync conflict ls");
    return Done{};
  }

  Status tell_parent() {
    if (!around_.parent_url) return Done{};
    OMRSYNC_TRY(link, node::link_record(tx_, node::kParentLink));
    Json parent;
    parent.set("url", *around_.parent_url);
    const Code code = describe(static_cast<Code>(link.error_code)).code;
    parent.set("state", link.error_code == 0 ? "ok" : state_of(code));
    parent.set("last_contact", time_or_null(link.last_contact_ms));
    parent.set("error", link.error_code == 0 ? Json() : fault_json({code, link.error_message}));
    answer_.json.set("parent", parent);
    if (link.error_code != 0) attend("parent: " + link.error_message, "omrsync doctor");
    Json clock;
    const bool known = link.last_contact_ms != 0;
    clock.set("offset_seconds", known ? Json(static_cast<double>(link.clock_offset_ms) / 1000.0) : Json());
    clock.set("trusted", known && std::abs(link.clock_offset_ms) <= kClockTrusted_ms);
    if (known && is_clock_off(link.clock_offset_ms)) {
      const std::string message = "the clock is " + seconds_off(link.clock_offset_ms) + " the parent's";
      clock.set("error", fault_json({Code::clock_off, message}));
      attend(message, "omrsync doctor");
    }
    answer_.json.set("clock", clock);
    return Done{};
  }

  Status tell_children() {
    if (around_.role == "child") return Done{};
    OMRSYNC_TRY(views, list_children(tx_));
    Json::Array children;
    for (const ChildView& view : views) {
      if (view.child.state == node::ChildRecord::State::revoked) continue;
      const Json full = to_json(view);
      Json one;
      for (const char* member : {"name", "id", "state", "last_seen", "waiting_down", "failed", "conflicts", "error"})
        if (const Json* value = full.find(member)) one.set(member, *value);
      children.push_back(one);
      if (view.failed > 0) attend(view.child.name + ": " + std::to_string(view.failed) + " failed", "omrsync queue ls");
      if (is_clock_off(view.clock_offset_ms))
        attend(view.child.name + ": its clock is " + seconds_off(view.clock_offset_ms),
               "omrsync node show " + view.child.name);
      const bool silent = view.child.last_seen_ms != 0 && around_.now_ms - view.child.last_seen_ms > kSilentTooLong_ms;
      if (silent) attend(view.child.name + " was not heard of for a day", "omrsync node ls");
    }
    answer_.json.set("children", std::move(children));
    return Done{};
  }

  void tell_machine() {
    Json certificate;
    if (around_.certificate_expires_ms != 0) {
      answer_.json.set("certificate", certificate.set("expires", time_or_null(around_.certificate_expires_ms)));
      if (around_.certificate_expires_ms < around_.now_ms) attend("the certificate has expired", "omrsync doctor");
    }
    Json disk;
    answer_.json.set("disk", disk.set("free_bytes", around_.free_bytes));
    if (around_.free_bytes < 500'000'000) attend("the disk is nearly full", "omrsync doctor");
  }

  ports::StoreTransaction& tx_;
  const Surroundings& around_;
  StatusAnswer answer_;
  std::vector<std::string> next_;
};

}  // namespace

Result<StatusAnswer> status(ports::StoreTransaction& tx, const Surroundings& around) {
  return Teller(tx, around).tell();
}

}  // namespace omrsync::admin
