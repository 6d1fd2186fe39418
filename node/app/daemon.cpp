#include "node/app/daemon.h"

#include <atomic>
#include <csignal>
#include <ctime>
#include <exception>
#include <thread>

#include "adapters/system/file_lock.h"
#include "adapters/system/log.h"
#include "adapters/system/process.h"
#include "node/app/assembly.h"
#include "node/app/control.h"
#include "node/app/open.h"
#include "node/app/state_folder.h"

namespace omrsync::app {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kWatchdogEvery{5000};

sigset_t ending_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, signal);
  return set;
}

/// The next of these signals; 0 when none came in time.
int wait_for_signal(const sigset_t& set, milliseconds patience) {
  const timespec time{patience.count() / 1000, (patience.count() % 1000) * 1'000'000};
  const int signal = ::sigtimedwait(&set, nullptr, &time);
  return signal < 0 ? 0 : signal;
}

ports::Level level_of(const std::string& name) {
  return name == "debug"     ? ports::Level::debug
         : name == "warning" ? ports::Level::warning
         : name == "error"   ? ports::Level::error
                             : ports::Level::info;
}

Json capture_json(const admin::LiveCapture& capture) {
  Json json;
  json.set("state", capture.state).set("position", capture.position).set("lag_seconds", capture.lag_seconds);
  if (capture.fault)
    json.set("fault",
             Json(Json::Object{{"code", static_cast<int>(capture.fault->code)}, {"message", capture.fault->message}}));
  return json;
}

Json to_json(const node::FreezeRequest& request) {
  Json json;
  json.set("ask", "freeze").set("link", request.link).set("wait_for_inbox", request.wait_for_inbox);
  return request.until ? json.set("until", *request.until) : json;
}

node::FreezeRequest freeze_request_from(const Json& json) {
  node::FreezeRequest request;
  request.link = json.text_of("link");
  if (const Json* until = json.find("until"); until != nullptr && until->integer() != nullptr)
    request.until = static_cast<std::uint64_t>(*until->integer());
  if (const Json* wait = json.find("wait_for_inbox"); wait != nullptr && wait->boolean() != nullptr)
    request.wait_for_inbox = *wait->boolean();
  return request;
}

Json to_json(const node::FreezeReport& report) {
  Json json;
  json.set("done", report.done).set("through", report.through);
  return report.until ? json.set("until", *report.until) : json;
}

node::FreezeReport freeze_report_from(const Json& json) {
  node::FreezeReport report;
  if (const Json* done = json.find("done"); done != nullptr && done->boolean() != nullptr)
    report.done = *done->boolean();
  if (const Json* through = json.find("through"); through != nullptr && through->integer() != nullptr)
    report.through = static_cast<std::uint64_t>(*through->integer());
  if (const Json* until = json.find("until"); until != nullptr && until->integer() != nullptr)
    report.until = static_cast<std::uint64_t>(*until->integer());
  return report;
}

/// Answers what commands ask a running daemon.
class Questions {
 public:
  Questions(admin::Engine& engine, LiveConfig& config, ports::Log& log) : engine_(engine), config_(config), log_(log) {}

  Result<Json> operator()(const Json& question, std::stop_token stop) const {
    const std::string_view ask = question.text_of("ask");
    if (ask == "sync") return sync(question, stop);
    if (ask == "freeze") return freeze(question, stop);
    if (ask == "status") return status();
    if (ask == "reload") return reload();
    return Error{Remedy::stop_node, Code::usage, "The daemon does not know the question."};
  }

  Result<Json> reload() const {
    OMRSYNC_TRY(waiting, config_.reload());
    log_.info("config.reloaded", {{"need_start", waiting.size()}});
    Json::Array keys;
    for (const std::string& key : waiting) keys.emplace_back(key);
    Json json;
    return json.set("need_start", std::move(keys));
  }

 private:
  Result<Json> sync(const Json& question, std::stop_token stop) const {
    admin::SyncRequest request;
    if (const Json* timeout = question.find("timeout_ms"); timeout != nullptr && timeout->integer() != nullptr)
      request.timeout = milliseconds(*timeout->integer());
    if (const auto patient = question.text_of("patient"); !patient.empty()) request.patient = patient;
    OMRSYNC_TRY(answer, engine_.sync(request, stop));
    return admin::to_json(answer);
  }

  Result<Json> freeze(const Json& question, std::stop_token stop) const {
    OMRSYNC_TRY(report, engine_.freeze(freeze_request_from(question), stop));
    return to_json(report);
  }

  Result<Json> status() const {
    Json json{Json::Object{}};
    if (const auto capture = engine_.capture()) json.set("capture", capture_json(*capture));
    return json;
  }

  admin::Engine& engine_;
  LiveConfig& config_;
  ports::Log& log_;
};

/// An engine at work in a thread of its own.
class RunningEngine {
 public:
  explicit RunningEngine(admin::Engine& engine)
      : thread_([this, &engine](std::stop_token stop) {
          try {
            const Status ended = engine.run(stop);
            if (!ended) failure_ = ended.error();
          } catch (const std::exception& defect) {
            failure_ = Error{Remedy::stop_node, Code::defect, std::string("Unexpected: ") + defect.what()};
          }
          ended_ = true;
        }) {}

  [[nodiscard]] bool ended() const noexcept { return ended_.load(); }

  Status stop() {
    thread_.request_stop();
    thread_.join();
    if (failure_) return *failure_;
    return Done{};
  }

 private:
  std::optional<Error> failure_;  ///< written before ended_, read after join
  std::atomic<bool> ended_{false};
  std::jthread thread_;
};

Result<system::FileLock> lock_state(const Config& config) {
  auto lock = system::FileLock::take(StateFolder(config).lock());
  if (!lock && lock.error().code == Code::node_locked) {
    const auto pid = daemon_pid(config);
    return Error{
        Remedy::retry_later, Code::node_locked,
        "The node " + config.node.name + " runs already" + (pid ? ", as process " + std::to_string(*pid) : "") + "."};
  }
  return lock;
}

LiveRules rules_of(const LiveConfig& live) {
  return {[&live] { return live.line_rules(); }, [&live] { return live.policy(); }};
}

/// Until a signal that ends it, or the engine's own end.
void watch(const RunningEngine& running, const Questions& questions, ports::Log& log) {
  const sigset_t signals = ending_signals();
  milliseconds since_ping{kWatchdogEvery};
  constexpr milliseconds kLook{250};
  while (!running.ended()) {
    const int signal = wait_for_signal(signals, kLook);
    if (signal == SIGTERM || signal == SIGINT) return;
    if (signal == SIGHUP) {
      const auto reloaded = questions.reload();
      if (!reloaded) log.failure(ports::Level::warning, "config.reload_refused", reloaded.error());
    }
    since_ping += kLook;
    if (since_ping < kWatchdogEvery) continue;
    system::notify_systemd("WATCHDOG=1");
    since_ping = milliseconds{0};
  }
}

}  // namespace

Status serve(const Config& config) {
  const sigset_t signals = ending_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  OMRSYNC_TRY(lock, lock_state(config));
  system::Log log(level_of(config.log_level));
  OMRSYNC_TRY(store, open_store(config));
  OMRSYNC_TRY(live, LiveConfig::open(config));
  OMRSYNC_TRY(engine, make_engine(config, *store, log, rules_of(*live), true));
  const Questions questions(*engine, *live, log);
  RunningEngine running(*engine);
  auto control = ControlServer::start(StateFolder(config).control_socket(), questions);
  if (!control) {
    (void)running.stop();
    return control.error();
  }
  log.info("node.started", {{"name", config.node.name}, {"role", config.role()}, {"version", OMRSYNC_VERSION}});
  system::notify_systemd("READY=1");
  watch(running, questions, log);
  system::notify_systemd("STOPPING=1");
  (*control)->stop();
  const Status ended = running.stop();
  log.info("node.stopped", {{"name", config.node.name}});
  return ended;
}

namespace {

/// A round in this process: the daemon does not run, and cannot start meanwhile.
Result<admin::SyncAnswer> sync_here(const Config& config, const admin::SyncRequest& request, bool verbose) {
  system::Log log(verbose ? ports::Level::info : ports::Level::warning);
  OMRSYNC_TRY(store, open_store(config));
  OMRSYNC_TRY(live, LiveConfig::open(config));
  OMRSYNC_TRY(engine, make_engine(config, *store, log, rules_of(*live), false));
  RunningEngine running(*engine);
  const auto answer = engine->sync(request, std::stop_token());
  OMRSYNC_CHECK(running.stop());
  return answer;
}

/// A daemon that has just started listens within moments.
Result<Json> ask_a_starting_daemon(const StateFolder& state, const Json& question, milliseconds patience) {
  constexpr milliseconds kBeyond{5000};
  constexpr milliseconds kPause{100};
  constexpr int kTries = 50;
  for (int left = kTries;; --left) {
    auto answer = ask_daemon(state.control_socket(), question, patience + kBeyond);
    if (answer || left == 0 || answer.error().code != Code::line_unreachable ||
        answer.error().message.find("listen") == std::string::npos)
      return answer;
    std::this_thread::sleep_for(kPause);
  }
}

constexpr milliseconds kFreezeAnswer{60'000};     ///< a step takes a second, and a large page of the first load more
constexpr milliseconds kInboxPatience{10'000};    ///< what came in may not be applied for long: the stick goes anyway
constexpr milliseconds kFreezePatience{120'000};  ///< without a step forward

/// Step after step until all of it is frozen.
Status ask_until_frozen(const std::string& link, const FreezeTold& tell,
                        const std::function<Result<node::FreezeReport>(const node::FreezeRequest&)>& ask) {
  using Clock = std::chrono::steady_clock;
  const auto began = Clock::now();
  auto moved = began;
  node::FreezeRequest request{link, std::nullopt, true};
  for (std::uint64_t through = 0;;) {
    request.wait_for_inbox = Clock::now() - began < kInboxPatience;
    OMRSYNC_TRY(report, ask(request));
    tell(report);
    if (report.done) return Done{};
    if (report.through != through || report.until != request.until) moved = Clock::now();
    if (Clock::now() - moved > kFreezePatience)
      return Error{Remedy::retry_later, Code::line_busy, "Capture does not come on; 'omrsync status' says why."};
    through = report.through;
    request.until = report.until;
  }
}

}  // namespace

Result<admin::SyncAnswer> sync_once(const Config& config, const admin::SyncRequest& request, bool verbose) {
  const StateFolder state(config);
  auto lock = lock_state(config);
  if (lock) return sync_here(config, request, verbose);
  if (lock.error().code != Code::node_locked) return lock.error();
  Json question;
  question.set("ask", "sync").set("timeout_ms", request.timeout.count());
  if (request.patient) question.set("patient", *request.patient);
  OMRSYNC_TRY(answer, ask_a_starting_daemon(state, question, request.timeout));
  return admin::sync_answer_from(answer);
}

Status freeze_all(const Config& config, const std::string& link, bool verbose, const FreezeTold& tell) {
  const StateFolder state(config);
  auto lock = lock_state(config);
  if (!lock && lock.error().code != Code::node_locked) return lock.error();
  if (!lock)
    return ask_until_frozen(link, tell, [&](const node::FreezeRequest& request) -> Result<node::FreezeReport> {
      OMRSYNC_TRY(answer, ask_a_starting_daemon(state, to_json(request), kFreezeAnswer));
      return freeze_report_from(answer);
    });
  system::Log log(verbose ? ports::Level::info : ports::Level::warning);
  OMRSYNC_TRY(store, open_store(config));
  OMRSYNC_TRY(live, LiveConfig::open(config));
  OMRSYNC_TRY(engine, make_engine(config, *store, log, rules_of(*live), false));
  RunningEngine running(*engine);
  const Status frozen = ask_until_frozen(
      link, tell, [&](const node::FreezeRequest& request) { return engine->freeze(request, std::stop_token()); });
  OMRSYNC_CHECK(running.stop());
  return frozen;
}

std::optional<int> daemon_pid(const Config& config) {
  const auto holder = system::FileLock::holder(StateFolder(config).lock());
  if (!holder || !*holder) return std::nullopt;
  return static_cast<int>(**holder);
}

Result<std::optional<std::vector<std::string>>> ask_to_reload(const Config& config) {
  std::optional<std::vector<std::string>> keys;
  if (!daemon_pid(config)) return keys;
  OMRSYNC_TRY(answer,
              ask_daemon(StateFolder(config).control_socket(), Json().set("ask", "reload"), milliseconds(5000)));
  keys.emplace();
  if (const Json* list = answer.find("need_start"); list != nullptr && list->array() != nullptr)
    for (const Json& key : *list->array()) keys->push_back(key.text() == nullptr ? "" : *key.text());
  return keys;
}

}  // namespace omrsync::app
