#include "node/app/assembly.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "adapters/http/listener.h"
#include "adapters/system/clock.h"
#include "adapters/system/program.h"
#include "node/app/certificate_keeper.h"
#include "node/app/enrol_papers.h"
#include "node/app/enrol_service.h"
#include "node/app/openmrs_parts.h"
#include "node/app/parent_link.h"
#include "node/app/setup.h"
#include "node/app/state_folder.h"
#include "node/app/usb_keys.h"
#include "node/engine.h"
#include "node/store/facts.h"
#include "node/supervisor.h"
#include "node/tuning.h"
#include "protocol/messages.h"

namespace omrsync::app {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kDatabasePause{2000};  ///< between tries to reach a database that is away at the start

constexpr milliseconds kBuilding{20'000};  ///< somebody who wants a stick waits so long for a start

constexpr std::size_t kHandlers = 64;                          ///< each child that waits for news takes one
constexpr std::chrono::duration<std::uint32_t> kComeBack{15};  ///< what children are told while the database is away

struct Outside {
  const Config& config;
  ports::Store& store;
  ports::Log& log;
  LiveRules rules;
  bool listening;
};

bool worth_waiting(const Error& error) {
  return error.remedy == Remedy::retry_later || error.remedy == Remedy::reconnect;
}

/// An engine and what it stands on.
struct Built {
  OpenmrsParts openmrs;
  std::unique_ptr<node::Engine> engine;
};

/// The engine over real adapters. The database may be away when it starts: then it waits for it. When the node begins a
/// new life the engine is built anew.
class WholeNode final : public admin::Engine {
 public:
  WholeNode(Outside outside, node::Identity identity)
      : outside_(std::move(outside)),
        identity_(std::move(identity)),
        enrolment_(outside_.config, outside_.store, clock_, outside_.log) {}

  Status run(std::stop_token stop) override {
    OMRSYNC_TRY(listener, listen());
    const Status worked = [&] {
      const CertificateKeeper keeper(outside_.config, outside_.log, listener.get());
      return work(stop);
    }();
    if (listener) listener->stop();
    return worked;
  }

  Result<admin::SyncAnswer> sync(const admin::SyncRequest& request, std::stop_token stop) override {
    const milliseconds deadline = clock_.steady() + request.timeout;
    node::RoundReport report;
    for (bool anew = true; anew;) {  // a round that a new life cuts short begins again
      OMRSYNC_TRY(built, wait_until_built(deadline, stop));
      report = built->engine->round(deadline, stop);
      anew = built->engine->shared().over.load() && clock_.steady() < deadline;
    }
    if (report.failure) return *report.failure;
    return admin::SyncAnswer{report.captured, report.sent,      report.received, report.applied,
                             report.merged,   report.conflicts, report.held,     report.quarantined};
  }

  Result<node::FreezeReport> freeze(const node::FreezeRequest& request, std::stop_token stop) override {
    OMRSYNC_TRY(built, wait_until_built(clock_.steady() + kBuilding, stop));
    return node::freeze(built->engine->world(), request, stop);
  }

  std::optional<admin::LiveCapture> capture() override {
    const std::shared_ptr<Built> built = this->built();
    admin::LiveCapture live;
    live.state = "waiting";
    if (!built) {
      const std::lock_guard lock(mutex_);
      if (waits_for_) live.fault = {waits_for_->code, waits_for_->message};
      return live;
    }
    built->engine->shared().progress.with([&](const node::Progress& progress) {
      const bool away = progress.capture_failed && worth_waiting(progress.capture_error);
      live.state = away                      ? "waiting"
                   : progress.capture_failed ? "failed"
                   : progress.capture_open   ? "running"
                                             : "waiting";
      const auto& at = progress.read_through;
      live.position = at.gtid.empty() ? at.file + ":" + std::to_string(at.offset) : at.gtid;
      if (progress.capture_failed) live.fault = {progress.capture_error.code, progress.capture_error.message};
    });
    if (live.state == "running") live.lag_seconds = lag(*built);
    return live;
  }

 private:
  Status work(std::stop_token stop) {
    while (!stop.stop_requested()) {
      OMRSYNC_TRY(parts, open_database(stop));
      if (!parts) return Done{};
      OMRSYNC_TRY(built, build(std::move(*parts)));
      {
        const std::stop_callback release(stop, [&] { built->engine->service().stop(); });
        node::supervise(built->engine->workers(), stop, built->engine->shared().over);
      }
      built->engine->service().stop();
      const std::lock_guard lock(mutex_);
      built_.reset();  // a child's question under way may hold it a moment longer
    }
    return Done{};
  }

  std::shared_ptr<Built> built() {
    const std::lock_guard lock(mutex_);
    return built_;
  }

  /// Nothing: asked to stop meanwhile.
  Result<std::optional<OpenmrsParts>> open_database(std::stop_token stop) {
    {
      OMRSYNC_TRY(tx, outside_.store.read());
      OMRSYNC_TRY(identity, node::identity(*tx));
      if (identity) identity_ = std::move(*identity);
    }
    while (!stop.stop_requested()) {
      auto parts = open_openmrs(outside_.config, identity_, outside_.store, clock_);
      std::unique_lock lock(mutex_);
      if (parts) {
        waits_for_.reset();
        return std::optional<OpenmrsParts>(std::move(*parts));
      }
      // Tables that a node once worked with and cannot read now are on their way: a dump is being loaded.
      if (!worked_ && !worth_waiting(parts.error())) return fail(parts.error());
      if (!waits_for_) outside_.log.failure(ports::Level::warning, "openmrs.away", parts.error());
      waits_for_ = parts.error();
      changed_.wait_for(lock, stop, kDatabasePause, [] { return false; });
    }
    return std::optional<OpenmrsParts>();
  }

  Error fail(const Error& error) {
    failed_ = error;
    changed_.notify_all();
    return error;
  }

  Result<std::shared_ptr<Built>> build(OpenmrsParts parts) {
    std::unique_ptr<ports::ParentLink> push;
    std::unique_ptr<ports::ParentLink> pull;
    if (outside_.config.parent) {
      OMRSYNC_TRY(one, open_parent_link(outside_.config, outside_.rules.line));
      OMRSYNC_TRY(other, open_parent_link(outside_.config, outside_.rules.line));
      push = std::move(one);
      pull = std::move(other);
    }
    auto built = std::make_shared<Built>();
    built->openmrs = std::move(parts);
    built->engine = std::make_unique<node::Engine>(node::EngineParts{
        outside_.store, *built->openmrs.database, *built->openmrs.codec, clock_, entropy_, outside_.log, identity_,
        std::move(built->openmrs.changes), std::move(push), std::move(pull), outside_.config.listen.has_value(),
        outside_.config.unseen_window, outside_.rules.policy, &programs_});
    const std::lock_guard lock(mutex_);
    built_ = built;
    worked_ = true;
    changed_.notify_all();
    return built;
  }

  Result<std::unique_ptr<http::Listener>> listen() {
    if (!outside_.listening || !outside_.config.listen) return std::unique_ptr<http::Listener>();
    OMRSYNC_CHECK(renew_server_certificate(outside_.config));
    http::ListenerOptions options;
    options.address = outside_.config.listen->address;
    OMRSYNC_TRY(identity, listener_identity(outside_.config));
    options.identity = std::move(identity);
    options.limits.handlers = kHandlers;
    options.enrol_path = kEnrolPath;
    options.turned_away = [this](const http::TurnedAway& caller) {
      enrolment_.turned_away(caller.node.empty() ? caller.address : caller.node, caller.code);
    };
    return http::Listener::start(std::move(options),
                                 [this](const ports::IncomingRequest& request) { return answer(request); });
  }

  ports::Response answer(const ports::IncomingRequest& request) {
    if (auto enrolled = enrolment_.handle(request)) return *std::move(enrolled);
    const std::shared_ptr<Built> built = this->built();
    if (!built) {
      const Refusal refusal{Code::line_busy, "This node waits for its own database.", kComeBack.count()};
      return {503, kWireContentType, encode(refusal), kComeBack};
    }
    return built->engine->service().handle(request, node::tuning::kPullWait);
  }

  Result<std::shared_ptr<Built>> wait_until_built(milliseconds deadline, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    const milliseconds left = std::max(deadline - clock_.steady(), milliseconds(0));
    const auto works = [this] { return built_ && !built_->engine->shared().over.load(); };
    if (changed_.wait_for(lock, stop, left, [&] { return works() || failed_; }) && works()) return built_;
    if (failed_) return *failed_;
    return waits_for_.value_or(
        Error{Remedy::retry_later, Code::line_busy, "The node ended before the round could begin."});
  }

  /// Seconds since the newest transaction that capture has taken, while there are newer ones.
  double lag(Built& built) {
    const auto end = built.openmrs.database->log_end();
    const bool behind =
        end && built.engine->shared().progress.with([&](const node::Progress& p) { return p.read_through < *end; });
    if (!behind) return 0;
    const auto tx = outside_.store.read();
    if (!tx) return 0;
    const auto record = node::capture_record(**tx);
    if (!record || !*record || (*record)->at_ms == 0) return 0;
    return std::max(0.0, static_cast<double>(clock_.utc().count() - (*record)->at_ms) / 1000.0);
  }

  Outside outside_;
  node::Identity identity_;
  system::Clock clock_;
  system::Entropy entropy_;
  system::ProgramRunner programs_;
  EnrolService enrolment_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Error> waits_for_;  ///< why the database could not be opened yet
  std::optional<Error> failed_;
  std::shared_ptr<Built> built_;
  bool worked_ = false;  ///< an engine was built before
};

}  // namespace

Result<std::unique_ptr<admin::Engine>> make_engine(const Config& config, ports::Store& store, ports::Log& log,
                                                   LiveRules rules, bool listening) {
  OMRSYNC_CHECK(stick_key(config, store));
  OMRSYNC_TRY(tx, store.read());
  OMRSYNC_TRY(identity, node::identity(*tx));
  if (!identity) return Error{Remedy::stop_node, Code::config_missing, "This node was not set up by 'omrsync init'."};
  return std::unique_ptr<admin::Engine>(
      std::make_unique<WholeNode>(Outside{config, store, log, std::move(rules), listening}, *identity));
}

}  // namespace omrsync::app
