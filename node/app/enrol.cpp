#include "node/app/enrol.h"

#include <algorithm>

#include "adapters/http/certificates.h"
#include "adapters/http/curl_parent_link.h"
#include "adapters/http/signing_request.h"
#include "adapters/system/clock.h"
#include "adapters/system/files.h"
#include "node/app/enrol_papers.h"
#include "node/app/files.h"
#include "node/app/open.h"
#include "node/app/parent_link.h"
#include "node/store/facts.h"
#include "protocol/messages.h"

namespace omrsync::app {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds kAnswerPatience{60'000};
constexpr milliseconds kLookLongest = std::chrono::hours(1);
constexpr milliseconds kLookShortest{1000};
constexpr std::string_view kJson = "application/json";

/// The key that waits for a certificate; a new one where there is none.
Result<std::string> waiting_key(const StateFolder& state) {
  std::error_code ignored;
  if (fs::exists(state.new_key(), ignored)) return system::read_secret_file(state.new_key());
  OMRSYNC_TRY(key, http::make_key());
  OMRSYNC_CHECK(make_private_folder(state.path));
  OMRSYNC_CHECK(make_private_folder(state.card()));
  OMRSYNC_CHECK(system::write_file_atomically(state.new_key(), key, 0600));
  return key;
}

Result<Json> ask(ports::ParentLink& link, ports::Request request, const std::function<bool()>& give_up) {
  OMRSYNC_CHECK(link.send(std::move(request)));
  system::Clock clock;
  const auto until = clock.steady() + kAnswerPatience;
  while (clock.steady() < until && !give_up()) {
    OMRSYNC_TRY(response, link.collect(milliseconds(200)));
    if (!response) continue;
    if (response->content_type == kJson && response->status == 200)
      return parse_json(response->body, Code::enrol_request_unsound);
    const auto refusal = decode<Refusal>(response->body);
    if (response->content_type != kWireContentType || !refusal)
      return Error{Remedy::retry_later, Code::line_foreign_answer,
                   "status " + std::to_string(response->status) + " and no answer of an omrsync node"};
    const bool again = describe(refusal->code).retryable;
    return Error{again ? Remedy::retry_later : Remedy::set_aside, refusal->code,
                 "The parent says: " + refusal->message + "."};
  }
  return Error{Remedy::retry_later, Code::line_unreachable, "The parent did not answer in time."};
}

/// As the store has it, whatever the certificate says.
Result<std::string> own_id(const Config& config) {
  OMRSYNC_TRY(store, open_store(config));
  OMRSYNC_TRY(tx, store->read());
  OMRSYNC_TRY(self, node::identity(*tx));
  return to_string(self.value_or(node::Identity{}).node);
}

struct Dates {
  milliseconds left;
  milliseconds life;
};

Result<Dates> dates_of(const StateFolder& state) {
  OMRSYNC_TRY(pem, system::read_file(state.client_certificate()));
  OMRSYNC_TRY(from, http::certificate_start(pem));
  OMRSYNC_TRY(until, http::certificate_expiry(pem));
  return Dates{until.time_since_epoch() - milliseconds(now_ms()), until - from};
}

}  // namespace

Status put_certificate(const StateFolder& state, const std::string& key_pem, const std::string& certificate_pem) {
  const char* end = key_pem.ends_with('\n') ? "" : "\n";
  OMRSYNC_CHECK(system::write_file_atomically(state.client_key(), key_pem + end + certificate_pem, 0600));
  std::error_code ignored;
  fs::remove(state.new_key(), ignored);
  return Done{};
}

Result<Card> ask_with_code(const std::string& url, const EnrolCode& code, const std::string& name,
                           const StateFolder& state) {
  OMRSYNC_TRY(key, waiting_key(state));
  OMRSYNC_TRY(request, http::signing_request(key, name));
  Json question = to_json(EnrolRequest{name, request});
  question.set("code", to_string(code));
  http::LinkOptions options;
  options.url = url;
  options.authority_pin = code.authority;
  OMRSYNC_TRY(link, http::CurlParentLink::open(std::move(options)));
  OMRSYNC_TRY(json, ask(*link, {kEnrolPath, to_string(question)}, [] { return false; }));
  OMRSYNC_TRY(answer, enrol_answer_from(json));
  return card_of(std::move(answer), name, key);
}

Result<std::string> write_request(const fs::path& request_file, const std::string& name, const StateFolder& state) {
  OMRSYNC_TRY(key, waiting_key(state));
  OMRSYNC_TRY(request, http::signing_request(key, name));
  OMRSYNC_CHECK(
      system::write_file_atomically(request_file, to_pretty_string(to_json(EnrolRequest{name, request})), 0644));
  return http::request_key(request);
}

Result<Card> accept_answer(const fs::path& answer_file, const std::string& name, const StateFolder& state) {
  std::error_code ignored;
  if (!fs::exists(state.new_key(), ignored))
    return Error{Remedy::stop_node, Code::usage,
                 "No request waits for an answer here; 'omrsync enrol request FILE' makes one."};
  OMRSYNC_TRY(json, read_json_file(answer_file));
  OMRSYNC_TRY(answer, enrol_answer_from(json));
  OMRSYNC_TRY(key, system::read_secret_file(state.new_key()));
  return card_of(std::move(answer), name, key);
}

Result<bool> renew_certificate(const Config& config, const std::function<bool()>& give_up) {
  const StateFolder state(config);
  OMRSYNC_TRY(dates, dates_of(state));
  if (dates.left > dates.life / 3) return false;
  OMRSYNC_TRY(key, waiting_key(state));
  OMRSYNC_TRY(request, http::signing_request(key, config.node.name));
  OMRSYNC_TRY(link, open_parent_link(config, [] { return admin::LineRules{}; }));
  Json question = to_json(EnrolRequest{config.node.name, request});
  OMRSYNC_TRY(node, own_id(config));
  question.set("node", node);
  OMRSYNC_TRY(json, ask(*link, {kRenewPath, to_string(question)}, give_up));
  const std::string certificate(json.text_of("certificate"));
  OMRSYNC_TRY(authority, system::read_file(state.parent_authority()));
  OMRSYNC_CHECK(http::check_issued(certificate, key, authority));
  OMRSYNC_CHECK(put_certificate(state, key, certificate));
  return true;
}

milliseconds next_look(const Config& config) {
  const auto dates = dates_of(StateFolder(config));
  if (!dates) return kLookLongest;
  return std::clamp(dates->left / 8, kLookShortest, kLookLongest);
}

}  // namespace omrsync::app
