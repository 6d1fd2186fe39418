#include "node/app/cards.h"

#include <charconv>

#include "protocol/digest.h"
#include "protocol/varint.h"

namespace omrsync::app {
namespace {

constexpr std::string_view kSchema = "omrsync/card/1";

Error torn(const std::string& what) {
  return {Remedy::stop_node, Code::config_invalid, "This is not a whole card: " + what + ". Ask for a new one."};
}

}  // namespace

void read_stick(const Json& parent, Card& card) {
  const Json* counter = parent.find("incarnation");
  const std::string_view life = parent.text_of("life");
  std::uint64_t chance = 0;
  const auto [end, error] = std::from_chars(life.data(), life.data() + life.size(), chance, 16);
  if (counter == nullptr || counter->integer() == nullptr || life.size() != 16 || error != std::errc{} ||
      end != life.data() + life.size())
    return;
  card.parent_incarnation = {static_cast<std::uint32_t>(*counter->integer()), chance};
  card.parent_recipient = parent.text_of("packages_to");
}

std::string key_text(const std::array<std::uint8_t, 16>& key) {
  return to_hex({reinterpret_cast<const char*>(key.data()), key.size()});
}

std::optional<std::array<std::uint8_t, 16>> key_from_text(std::string_view text) {
  std::array<std::uint8_t, 16> key{};
  if (text.size() != 2 * key.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t digit = std::string_view("0123456789abcdef").find(text[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    key[i / 2] = static_cast<std::uint8_t>(key[i / 2] << 4U | digit);
  }
  return key;
}

Json to_json(const Card& card) {
  Json parent;
  parent.set("url", card.parent_url).set("name", card.parent_name).set("id", to_string(card.parent));
  if (!card.parent_recipient.empty()) {
    std::string life;
    append_u64(life, card.parent_incarnation.chance);
    parent.set("incarnation", card.parent_incarnation.counter).set("life", to_hex(life));
    parent.set("packages_to", card.parent_recipient);
  }
  Json node;
  node.set("name", card.name).set("id", to_string(card.node)).set("catchment", card.catchment);
  if (card.incarnation != 0) node.set("incarnation", card.incarnation);
  Json json;
  json.set("schema", kSchema)
      .set("note", "A secret: whoever has this file is this node. Delete it after 'omrsync init'.");
  json.set("parent", parent).set("node", node).set("authority", card.authority_pem);
  json.set("certificate", card.certificate_pem).set("key", card.key_pem);
  return json.set("network_key", key_text(card.network_key));
}

Result<Card> card_from_json(const Json& json) {
  if (json.text_of("schema") != kSchema) return torn("the schema is not " + std::string(kSchema));
  const Json* parent = json.find("parent");
  const Json* node = json.find("node");
  if (parent == nullptr || node == nullptr) return torn("parent or node is missing");
  Card card;
  card.parent_url = parent->text_of("url");
  card.parent_name = parent->text_of("name");
  card.name = node->text_of("name");
  card.catchment = node->text_of("catchment");
  card.authority_pem = json.text_of("authority");
  card.certificate_pem = json.text_of("certificate");
  card.key_pem = json.text_of("key");
  const auto parent_id = parse_uuid(parent->text_of("id"));
  const auto node_id = parse_uuid(node->text_of("id"));
  const auto network_key = key_from_text(json.text_of("network_key"));
  if (!parent_id || !node_id || !network_key) return torn("an id or a key is missing");
  for (const std::string* text :
       {&card.parent_url, &card.name, &card.authority_pem, &card.certificate_pem, &card.key_pem})
    if (text->empty()) return torn("a member is missing");
  card.parent = *parent_id;
  card.node = *node_id;
  card.network_key = *network_key;
  read_stick(*parent, card);
  return card;
}

}  // namespace omrsync::app
