#include "node/app/enrol_service.h"

#include <algorithm>

#include "adapters/http/signing_request.h"
#include "node/app/issue.h"
#include "node/receive/admit.h"
#include "node/store/facts.h"
#include "protocol/enrol_code.h"
#include "protocol/messages.h"

namespace omrsync::app {
namespace {

constexpr std::chrono::milliseconds kMinute{60'000};
constexpr JsonLimits kSmall{16 * 1024, 8, 32};

int http_status(const Error& error) {
  if (error.code == Code::enrol_too_often) return 429;
  return error.remedy == Remedy::set_aside ? 403 : 503;
}

Result<EnrolRequest> read_request(const std::string& body, Json& json) {
  OMRSYNC_TRY(parsed, parse_json(body, Code::enrol_request_unsound, kSmall));
  json = std::move(parsed);
  return enrol_request_from(json);
}

}  // namespace

bool EnrolTries::admit(const std::string& address, std::chrono::milliseconds now) {
  const std::lock_guard lock(mutex_);
  while (!tries_.empty() && tries_.front().first + kMinute <= now) tries_.pop_front();
  const auto of_one = std::count_if(tries_.begin(), tries_.end(), [&](const auto& t) { return t.second == address; });
  if (tries_.size() >= kMostOfAll || static_cast<std::size_t>(of_one) >= kMostOfOne) return false;
  tries_.emplace_back(now, address);
  return true;
}

std::optional<ports::Response> EnrolService::handle(const ports::IncomingRequest& request) {
  const bool enrols = request.path == kEnrolPath;
  if (!enrols && request.path != kRenewPath) return std::nullopt;
  const Result<Json> answer = enrols ? enrol(request) : renew(request);
  if (answer) return ports::Response{200, "application/json", to_string(*answer), {}};
  const Error& error = answer.error();
  const int status = http_status(error);
  if (status != 503) refusals_.note(enrols ? request.peer_address : request.peer_node, request.path, error.code);
  const std::chrono::seconds pause(status == 429 ? 60 : 0);
  const Refusal refusal{error.code, error.message, static_cast<std::uint32_t>(pause.count())};
  return ports::Response{status, kWireContentType, encode(refusal), pause};
}

Result<Json> EnrolService::enrol(const ports::IncomingRequest& request) {
  if (!tries_.admit(request.peer_address, clock_.steady()))
    return Error{Remedy::retry_later, Code::enrol_too_often, "too many tries within a minute"};
  Json json;
  OMRSYNC_TRY(asked, read_request(request.body, json));
  OMRSYNC_TRY(key, http::request_key(asked.request_pem));
  const auto code = parse_enrol_code(json.text_of("code"));
  if (!code) return Error{Remedy::set_aside, code.error().code, code.error().message};
  const std::string hash = hash_of_secret(code->secret);
  const std::int64_t now = clock_.utc().count();
  OMRSYNC_TRY(issuer, Issuer::open(config_));
  OMRSYNC_TRY(tx, store_.write());
  OMRSYNC_TRY(opened, admin::look_at_code(*tx, hash, asked.name, key, now));
  auto& [child, record, repeated] = opened;
  if (!repeated) {
    OMRSYNC_TRY(given, issuer.sign(child.node, asked.request_pem));
    OMRSYNC_CHECK(admin::settle_certificate(*tx, child, given, "code", request.peer_address, now));
    record.used_ms = now;
    record.key = key;
    record.certificate_pem = given.pem;
    OMRSYNC_CHECK(node::put_record(*tx, node::tables::kEnrolments, hash, record));
  }
  OMRSYNC_TRY(answer, issuer.answer(*tx, child, record.certificate_pem));
  if (!repeated) OMRSYNC_CHECK(tx->commit());
  log_.info("node.enrolled", {{"name", child.name}});
  return to_json(answer);
}

/// The older certificate stays good until the new one is used: an answer that is lost costs nothing.
Result<Json> EnrolService::renew(const ports::IncomingRequest& request) {
  OMRSYNC_TRY(known, node::admit(store_, clock_, request));
  Json json;
  OMRSYNC_TRY(asked, read_request(request.body, json));
  if (json.text_of("node") != request.peer_node)  // a node with another's certificate must not renew it
    return Error{Remedy::set_aside, Code::tls_identity_mismatch, "the node names another id than its certificate"};
  OMRSYNC_TRY(issuer, Issuer::open(config_));
  OMRSYNC_TRY(given, issuer.sign(known.node, asked.request_pem));
  OMRSYNC_TRY(tx, store_.write());
  OMRSYNC_TRY(child, node::get_record<node::ChildRecord>(*tx, node::tables::kNodes, request.peer_node));
  if (!child || child->fingerprint != request.peer_fingerprint)
    return Error{Remedy::set_aside, Code::certificate_replaced, "the node has a newer certificate than this one"};
  child->next_fingerprint = given.fingerprint;
  child->certificate_expires_ms = given.expires_ms;
  OMRSYNC_CHECK(node::put_record(*tx, node::tables::kNodes, request.peer_node, *child));
  Json audit;
  audit.set("act", "certificate.renewed").set("at_ms", clock_.utc().count()).set("node", request.peer_node);
  OMRSYNC_CHECK(node::append_audit(*tx, to_string(audit.set("fingerprint", given.fingerprint))));
  OMRSYNC_CHECK(tx->commit());
  Json answer;
  return answer.set("schema", "omrsync/renew-answer/1").set("certificate", given.pem);
}

}  // namespace omrsync::app
