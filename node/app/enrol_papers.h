#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "node/app/cards.h"
#include "protocol/json.h"
#include "protocol/result.h"

/// What a node that wants a certificate and its parent hand each other, over the line or as files. Neither holds a
/// secret: the private key stays where it was made, and what only the new node may know is sealed for that key.
namespace omrsync::app {

inline constexpr const char* kEnrolPath = "/sync/v1/enrol";
inline constexpr const char* kRenewPath = "/sync/v1/renew";

struct EnrolRequest {
  std::string name;
  std::string request_pem;  ///< PKCS #10
};

[[nodiscard]] Json to_json(const EnrolRequest& request);

/// `enrol_request_unsound` when it is none, or torn.
[[nodiscard]] Result<EnrolRequest> enrol_request_from(const Json& json);

/// A card without the key: `card.key_pem` and `card.network_key` are not in it.
struct EnrolAnswer {
  Card card;
  std::string sealed_network_key;
};

[[nodiscard]] Json to_json(const EnrolAnswer& answer);
[[nodiscard]] Result<EnrolAnswer> enrol_answer_from(const Json& json);

/// The whole card, once everything fits together: key, certificate, authority, name. `enrol_request_unsound` else.
[[nodiscard]] Result<Card> card_of(EnrolAnswer answer, const std::string& name, const std::string& key_pem);

}  // namespace omrsync::app
