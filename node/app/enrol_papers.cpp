#include "node/app/enrol_papers.h"

#include "adapters/http/certificates.h"
#include "adapters/http/signing_request.h"

namespace omrsync::app {
namespace {

constexpr std::string_view kRequestSchema = "omrsync/enrol-request/1";
constexpr std::string_view kAnswerSchema = "omrsync/enrol-answer/1";

Error unsound(const std::string& what) { return {Remedy::set_aside, Code::enrol_request_unsound, what}; }

}  // namespace

Json to_json(const EnrolRequest& request) {
  Json json;
  json.set("schema", kRequestSchema).set("name", request.name);
  return json.set("request", request.request_pem);
}

Result<EnrolRequest> enrol_request_from(const Json& json) {
  if (json.text_of("schema") != kRequestSchema) return unsound("This is not a request of a node for a certificate.");
  EnrolRequest request{std::string(json.text_of("name")), std::string(json.text_of("request"))};
  if (request.name.empty() || request.request_pem.empty())
    return unsound("The request for a certificate is not whole.");
  return request;
}

Json to_json(const EnrolAnswer& answer) {
  Json json = to_json(answer.card);
  json.set("schema", kAnswerSchema).set("note", "No secret: it is of use only where the request was made.");
  json.set("network_key", answer.sealed_network_key);
  Json whole{Json::Object{}};
  for (const auto& [key, value] : *json.object())
    if (key != "key") whole.set(key, value);
  return whole;
}

Result<EnrolAnswer> enrol_answer_from(const Json& json) {
  if (json.text_of("schema") != kAnswerSchema) return unsound("This is not a parent's answer to a node.");
  const Json* parent = json.find("parent");
  const Json* node = json.find("node");
  if (parent == nullptr || node == nullptr) return unsound("The parent's answer is not whole.");
  EnrolAnswer answer;
  answer.card.parent_url = parent->text_of("url");
  answer.card.parent_name = parent->text_of("name");
  answer.card.name = node->text_of("name");
  answer.card.catchment = node->text_of("catchment");
  answer.card.authority_pem = json.text_of("authority");
  answer.card.certificate_pem = json.text_of("certificate");
  answer.sealed_network_key = json.text_of("network_key");
  const auto parent_id = parse_uuid(parent->text_of("id"));
  const auto node_id = parse_uuid(node->text_of("id"));
  if (!parent_id || !node_id) return unsound("The parent's answer is not whole.");
  if (const Json* lives = node->find("incarnation"); lives != nullptr && lives->integer() != nullptr)
    answer.card.incarnation = static_cast<std::uint32_t>(*lives->integer());
  read_stick(*parent, answer.card);
  answer.card.parent = *parent_id;
  answer.card.node = *node_id;
  return answer;
}

Result<Card> card_of(EnrolAnswer answer, const std::string& name, const std::string& key_pem) {
  Card card = std::move(answer.card);
  if (card.name != name) return unsound("The answer is for '" + card.name + "', not for '" + name + "'.");
  OMRSYNC_CHECK(http::check_issued(card.certificate_pem, key_pem, card.authority_pem));
  OMRSYNC_TRY(node, http::certificate_node(card.certificate_pem));
  if (node != to_string(card.node)) return unsound("The certificate is another node's.");
  OMRSYNC_TRY(text, http::open_sealed(key_pem, card.certificate_pem, answer.sealed_network_key));
  const auto network_key = key_from_text(text);
  if (!network_key) return unsound("The parent's answer is not whole.");
  card.network_key = *network_key;
  card.key_pem = key_pem;
  return card;
}

}  // namespace omrsync::app
