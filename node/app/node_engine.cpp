#include "node/app/node_engine.h"

#include "adapters/http/cpprest_parent_link.h"
#include "adapters/http/curl_parent_link.h"
#include "adapters/http/files.h"
#include "adapters/http/listener.h"
#include "adapters/mysql/change_source.h"
#include "adapters/mysql/database.h"
#include "adapters/openmrs/fhir/codec.h"
#include "adapters/system/clock.h"
#include "adapters/system/files.h"
#include "node/app/database_options.h"
#include "node/app/state_folder.h"
#include "node/store/facts.h"
#include "node/supervisor.h"

namespace omrsync::app {

using std::chrono::milliseconds;

namespace {

/// A database that is away is looked for this often.
constexpr milliseconds kDatabaseRetry{2000};
/// How long a child's question for news may wait at its parent.
constexpr milliseconds kNewsPatience{20'000};

/// The line as the configuration allows it at this moment: closed outside its window, and no faster than it may be.
class RuledLink final : public ports::ParentLink {
 public:
  RuledLink(std::unique_ptr<ports::ParentLink> link, http::CurlParentLink* curl, admin::LineRulesNow rules)
      : link_(std::move(link)), curl_(curl), rules_(std::move(rules)) {}

  Status send(ports::Request request) override {
    const admin::LineRules rules = rules_();
    if (!rules.open) return Error{Remedy::retry_later, Code::line_busy, "the line is closed at this hour ([parent] window)"};
    if (curl_ != nullptr) curl_->set_rates({rules.bytes_per_second, rules.bytes_per_second});
    return link_->send(std::move(request));
  }

  Result<std::optional<ports::Response>> collect(milliseconds patience) override { return link_->collect(patience); }

 private:
  std::unique_ptr<ports::ParentLink> link_;
  http::CurlParentLink* curl_;
  admin::LineRulesNow rules_;
};

}  // namespace

/// What exists once the database was reached.
struct NodeEngine::Parts {
  system::Clock clock;
  system::Entropy entropy;
  std::unique_ptr<mysql::MysqlDatabase> database;
  std::unique_ptr<openmrs::FhirCodec> codec;
  std::unique_ptr<node::Engine> engine;
};

NodeEngine::NodeEngine(Config config, ports::Store& store, ports::Log& log, admin::LineRulesNow rules, bool listening,
                       node::Identity identity)
    : config_(std::move(config)),
      store_(store),
      log_(log),
      rules_(std::move(rules)),
      listening_(listening && config_.listen.has_value()),
      identity_(std::move(identity)) {}

NodeEngine::~NodeEngine() = default;

Result<std::unique_ptr<ports::ParentLink>> NodeEngine::parent_link() {
  const StateFolder state(config_);
  http::LinkOptions options;
  options.url = config_.parent->url;
  options.ca_file = state.parent_authority();
  options.certificate_file = state.client_certificate();
  options.key_file = state.client_key();
  if (config_.link_client == "cpprest") {
    OMRSYNC_TRY(link, http::CpprestParentLink::open(options));
    return std::unique_ptr<ports::ParentLink>(std::make_unique<RuledLink>(std::move(link), nullptr, rules_));
  }
  OMRSYNC_TRY(link, http::CurlParentLink::open(options));
  http::CurlParentLink* curl = link.get();
  return std::unique_ptr<ports::ParentLink>(std::make_unique<RuledLink>(std::move(link), curl, rules_));
}

Result<std::shared_ptr<NodeEngine::Parts>> NodeEngine::assemble() {
  if (!config_.openmrs)
    return Error{Remedy::stop_node, Code::config_invalid,
                 "a parent without [openmrs] is not supported by this version; name the centre's OpenMRS database"};
  auto parts = std::make_shared<Parts>();
  OMRSYNC_TRY(options, database_options(config_, identity_));
  OMRSYNC_TRY(database, mysql::MysqlDatabase::open(std::move(options)));
  parts->database = std::move(database);
  OMRSYNC_TRY(codec, openmrs::FhirCodec::create(parts->database->model(), {config_.node.timezone}));
  parts->codec = std::move(codec);
  std::unique_ptr<ports::ParentLink> push, pull;
  if (config_.parent) {
    OMRSYNC_TRY(first, parent_link());
    OMRSYNC_TRY(second, parent_link());
    push = std::move(first);
    pull = std::move(second);
  }
  parts->engine = std::make_unique<node::Engine>(node::EngineParts{
      store_, *parts->database, *parts->codec, parts->clock, parts->entropy, log_, identity_,
      parts->database->changes(), std::move(push), std::move(pull), config_.listen.has_value()});
  return parts;
}

std::shared_ptr<NodeEngine::Parts> NodeEngine::parts() {
  return parts_.with([](auto& parts) { return parts; });
}

ports::Response NodeEngine::answer(const ports::IncomingRequest& request) {
  if (const auto parts = this->parts()) return parts->engine->service().handle(request, kNewsPatience);
  const Refusal refusal{Code::line_busy, "the parent waits for its own database", 15};
  return {503, kWireContentType, encode(refusal), std::chrono::seconds(15)};
}

Result<std::unique_ptr<http::Listener>> NodeEngine::listen() {
  const StateFolder state(config_);
  http::ListenerOptions options;
  options.address = config_.listen->address;
  OMRSYNC_TRY(authority, http::read_file(state.authority() / "ca.crt"));
  OMRSYNC_TRY(certificate, http::read_file(state.server_certificate()));
  OMRSYNC_TRY(key, http::read_secret_file(state.server_key()));
  options.identity = {std::move(authority), std::move(certificate), std::move(key)};
  options.limits.handlers = 64;  // each child that waits for news takes one
  return http::Listener::start(std::move(options),
                               [this](const ports::IncomingRequest& request) { return answer(request); });
}

Status NodeEngine::run(std::stop_token stop) {
  std::unique_ptr<http::Listener> listener;
  if (listening_) {
    OMRSYNC_TRY(started, listen());
    listener = std::move(started);
  }
  const std::stop_callback wake(stop, [this] { ready_.ring(); });
  while (!stop.stop_requested()) {
    const std::uint64_t seen = ready_.rings();
    auto assembled = assemble();
    if (assembled) {
      not_ready_.with([](auto& error) { error.reset(); });
      parts_.with([&](auto& parts) { parts = *assembled; });
      ready_.ring();
      node::supervise((*assembled)->engine->workers(), stop);
      break;
    }
    const bool news = not_ready_.with([&](auto& error) {
      const bool other = !error || error->code != assembled.error().code;
      error = assembled.error();
      return other;
    });
    if (news) log_.failure(ports::Level::warning, "database.waiting", assembled.error());
    if (assembled.error().code == Code::config_invalid && assembled.error().remedy == Remedy::stop_node)
      return assembled.error();
    ready_.wait(seen, kDatabaseRetry);
  }
  if (const auto parts = this->parts()) parts->engine->service().stop();
  if (listener) listener->stop();
  return Done{};
}

Result<admin::SyncAnswer> NodeEngine::sync(const admin::SyncRequest& request, std::stop_token stop) {
  system::Clock clock;
  const milliseconds deadline = clock.steady() + request.timeout;
  std::shared_ptr<Parts> parts;
  for (;;) {
    const std::uint64_t seen = ready_.rings();
    parts = this->parts();
    if (parts) break;
    const milliseconds now = clock.steady();
    const auto why = not_ready_.with([](auto& error) { return error; });
    if (stop.stop_requested() || now >= deadline || why)
      return why.value_or(Error{Remedy::retry_later, Code::db_unreachable, "the node has not started yet"});
    ready_.wait(seen, std::min(milliseconds(200), deadline - now));
  }
  const node::RoundReport report = parts->engine->round(deadline, stop);
  if (report.failure) return *report.failure;
  return admin::SyncAnswer{report.captured, report.sent,      report.received, report.applied,
                           report.merged,   report.conflicts, report.held,     report.quarantined};
}

std::optional<admin::LiveCapture> NodeEngine::capture() {
  admin::LiveCapture live;
  const auto parts = this->parts();
  if (!parts) {
    live.state = "waiting";
    if (const auto why = not_ready_.with([](auto& error) { return error; })) live.fault = {why->code, why->message};
    return live;
  }
  const node::Progress progress = parts->engine->shared().progress.with([](node::Progress& p) { return p; });
  live.state = progress.capture_open ? "running" : progress.capture_failed ? "waiting" : "stopped";
  if (progress.capture_failed) live.fault = {progress.capture_error.code, progress.capture_error.message};
  live.position = progress.read_through.gtid.empty()
                      ? progress.read_through.file + ":" + std::to_string(progress.read_through.offset)
                      : progress.read_through.gtid;
  return live;
}

}  // namespace omrsync::app
