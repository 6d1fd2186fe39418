#include "node/app/doctor.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <array>

#include "adapters/http/certificates.h"
#include "adapters/mysql/server_check.h"
#include "adapters/system/files.h"
#include "adapters/system/local_time.h"
#include "node/admin/audit.h"
#include "node/admin/status.h"
#include "node/app/daemon.h"
#include "node/app/doctor_parent.h"
#include "node/app/open.h"
#include "node/app/openmrs_parts.h"
#include "node/app/policy_file.h"
#include "node/app/state_folder.h"

namespace omrsync::app {
namespace {

constexpr std::uint64_t kDiskFloor = 500'000'000;
constexpr std::int64_t kDay_ms = 24LL * 3600 * 1000;
constexpr std::int64_t kRenewal_days = 30;

class Doctor {
 public:
  Doctor(const Config& config, const std::function<void(const Check&)>& visit) : config_(config), visit_(visit) {}

  void run() {
    ok("config", "The configuration has no mistakes; a " + std::string(config_.role()) + ".");
    check_policy();
    check_folder();
    check_disk();
    check_store();
    check_certificates();
    check_daemon();
    if (config_.openmrs) check_database();
    if (config_.parent) check_parent(config_, visit_);
  }

 private:
  void ok(std::string name, std::string message) {
    visit_({std::move(name), Check::State::ok, Code::defect, std::move(message), ""});
  }

  void tell(std::string name, Check::State state, Code code, std::string message, std::string remedy = "") {
    if (remedy.empty()) remedy = describe(code).remedy;
    visit_({std::move(name), state, code, std::move(message), std::move(remedy)});
  }
  void warn(std::string name, Code code, std::string message, std::string remedy = "") {
    tell(std::move(name), Check::State::warning, code, std::move(message), std::move(remedy));
  }
  void fail(std::string name, const Error& error) {
    tell(std::move(name), Check::State::failed, error.code, error.message);
  }

  void check_policy() {
    if (config_.policy_file.empty()) return;
    const auto policy = load_valid_policy(config_);
    if (!policy) return fail("policy", policy.error());
    ok("policy",
       "The conflict policy has no mistakes; " + (*policy)->name + "/" + std::to_string((*policy)->version) + ".");
  }

  void check_folder() {
    struct stat about {};
    if (::stat(config_.node.state_dir.c_str(), &about) != 0)
      return tell("state_dir", Check::State::failed, Code::file_unreadable,
                  "There is no state folder " + config_.node.state_dir.string() + ".",
                  "Run 'omrsync init', or correct [node] state_dir.");
    if ((about.st_mode & 077U) != 0)
      return warn("state_dir", Code::secret_readable,
                  "Other users may look into " + config_.node.state_dir.string() + ".",
                  "chmod 0700 " + config_.node.state_dir.string());
    ok("state_dir", "The state folder is private.");
  }

  void check_disk() {
    struct statvfs about {};
    if (::statvfs(config_.node.state_dir.c_str(), &about) != 0) return;
    const std::uint64_t free = static_cast<std::uint64_t>(about.f_bavail) * about.f_frsize;
    const std::uint64_t of = static_cast<std::uint64_t>(about.f_blocks) * about.f_frsize;
    const std::string message = std::to_string(free / 1'000'000) + " MB are free where the state is.";
    if (free < kDiskFloor || free < of / 50) return warn("disk", Code::disk_full, message);
    ok("disk", message);
  }

  void check_store() {
    const auto store = open_store(config_);
    if (!store) return fail("store", store.error());
    const auto tx = (*store)->read();
    if (!tx) return fail("store", tx.error());
    ok("store", "The store can be read.");
    const auto verdict = admin::verify_audit(**tx);
    if (!verdict) return fail("audit", verdict.error());
    if (verdict->first_bad)
      return fail("audit", {Remedy::stop_node, Code::audit_broken,
                            "The audit chain breaks at record " + std::to_string(*verdict->first_bad) + "."});
    ok("audit", "The audit chain is whole, " + std::to_string(verdict->records) + " records.");
    check_queue(**tx);
  }

  void check_queue(ports::StoreTransaction& tx) {
    const auto status = admin::status(tx, look_around(config_));
    if (!status) return fail("queue", status.error());
    const Json* inbox = status->json.find("inbox");
    const std::int64_t quarantined = *inbox->find("quarantined")->integer();
    const std::int64_t held = *inbox->find("held")->integer();
    const std::string message =
        std::to_string(held) + " change sets held, " + std::to_string(quarantined) + " quarantined.";
    if (quarantined > 0)
      return warn("queue", Code::apply_refused, message, "See 'omrsync queue ls --state quarantined'.");
    ok("queue", message);
  }

  void check_certificate(const char* name, const std::filesystem::path& file) {
    const auto pem = system::read_file(file);
    if (!pem) return fail(name, pem.error());
    const auto expiry = http::certificate_expiry(*pem);
    if (!expiry) return fail(name, expiry.error());
    const std::int64_t days = (std::chrono::milliseconds(expiry->time_since_epoch()).count() - now_ms()) / kDay_ms;
    const std::string message = "The certificate is valid for " + std::to_string(days) + " days.";
    if (days < 0) return tell(name, Check::State::failed, Code::certificate_expired, "The certificate has expired.");
    if (days < kRenewal_days)
      return warn(name, Code::certificate_expired, message,
                  "The node renews it over the line; without a line see 'omrsync enrol request --help'.");
    ok(name, message);
  }

  void check_certificates() {
    const StateFolder state(config_);
    if (config_.parent) check_certificate("certificate", state.client_certificate());
    if (config_.listen) check_certificate("certificate.listener", state.server_certificate());
  }

  void check_daemon() {
    const auto pid = daemon_pid(config_);
    if (pid) return ok("daemon", "The daemon runs, process " + std::to_string(*pid) + ".");
    ok("daemon", "The daemon does not run; 'omrsync serve' starts it.");
  }

  /// Of the configured time zone, now.
  [[nodiscard]] std::optional<int> utc_offset_minutes() const {
    constexpr int kWeek = 7 * 24 * 60;
    const std::chrono::milliseconds now(now_ms());
    const auto there = system::minute_of_week(config_.node.timezone, now);
    const auto utc = system::minute_of_week("UTC", now);
    if (!there || !utc) return std::nullopt;
    const int minutes = static_cast<int>(*there) - static_cast<int>(*utc);
    return minutes > kWeek / 2 ? minutes - kWeek : minutes < -kWeek / 2 ? minutes + kWeek : minutes;
  }

  void check_database() {
    auto options = connection_options(config_);
    if (!options) return fail("database", options.error());
    options->database.clear();  // a database that is not there is a finding of its own
    auto connection = mysql::Connection::open(*options);
    if (!connection) return fail("database", connection.error());
    ok("database", "The database server answers.");
    const auto findings = mysql::check_server(
        **connection, {config_.openmrs->database, config_.openmrs->marker_schema, utc_offset_minutes()});
    if (!findings) return fail("database", findings.error());
    for (const mysql::Finding& finding : *findings) {
      const auto state = finding.severity == mysql::Severity::ok        ? Check::State::ok
                         : finding.severity == mysql::Severity::warning ? Check::State::warning
                                                                        : Check::State::failed;
      visit_({"database." + finding.check, state, finding.code, finding.what, finding.remedy});
    }
    check_marker(**connection);
    if (!config_.openmrs->rest)
      warn("openmrs.rest", Code::db_setting_wrong,
           "A running OpenMRS is not told what arrived; its caches may show old values.",
           "Add [openmrs.rest] to the configuration.");
  }

  void check_marker(mysql::Connection& connection) {
    const std::string& schema = config_.openmrs->marker_schema;
    const auto found = connection.value("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = " +
                                        mysql::quote_text(schema));
    if (!found) return fail("database.marker_schema", found.error());
    if (found->value_or("0") == "0")
      return tell("database.marker_schema", Check::State::failed, Code::db_setting_wrong,
                  "The schema " + schema + " is not there.", "Run 'omrsync db init'.");
    ok("database.marker_schema", "The schema " + schema + " is there.");
  }

  const Config& config_;
  const std::function<void(const Check&)>& visit_;
};

}  // namespace

Json to_json(const Check& check) {
  constexpr std::array kStates = {"ok", "warning", "failed"};
  const bool fine = check.state == Check::State::ok;
  Json json;
  json.set("schema", "omrsync/doctor/1").set("check", check.name);
  json.set("state", kStates[static_cast<std::size_t>(check.state)]).set("message", check.message);
  json.set("code", fine ? Json() : Json(to_string(check.code)));
  return json.set("remedy", fine ? Json() : Json(check.remedy));
}

void run_checks(const Config& config, const std::function<void(const Check&)>& visit) { Doctor(config, visit).run(); }

}  // namespace omrsync::app
