#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/ids.h"
#include "protocol/json.h"
#include "protocol/result.h"

namespace omrsync::app {

/// Everything a new node needs to join its parent, in one file. It holds a private key: the file is a secret, and goes
/// to one node only.
struct Card {
  std::string parent_url;
  std::string parent_name;
  Uuid parent;
  std::string name;
  Uuid node;
  std::string catchment;
  std::string authority_pem;
  std::string certificate_pem;
  std::string key_pem;
  std::array<std::uint8_t, 16> network_key{};
  std::uint32_t incarnation = 0;     ///< the newest of the node that its parent knows of; 0: none
  Incarnation parent_incarnation{};  ///< counter 0: an older card, which does not say
  std::string parent_recipient{};    ///< "age1...", for packages to the parent; empty likewise
};

[[nodiscard]] Json to_json(const Card& card);

/// `config_invalid` when it is no card, or a torn one; its message never quotes the card.
[[nodiscard]] Result<Card> card_from_json(const Json& json);

/// Of a card's member `parent`: what older cards lack, about packages.
void read_stick(const Json& parent, Card& card);

/// 32 hex digits and back.
[[nodiscard]] std::string key_text(const std::array<std::uint8_t, 16>& key);
[[nodiscard]] std::optional<std::array<std::uint8_t, 16>> key_from_text(std::string_view text);

}  // namespace omrsync::app
