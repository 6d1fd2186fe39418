#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace omrsync::stick {

/// `bytes` as Bech32 (BIP 173) behind "<prefix>1", lower case. `prefix` is lower case.
[[nodiscard]] std::string to_bech32(std::string_view prefix, std::string_view bytes);

/// The bytes of such a text, which is in one case throughout; nothing when it has another prefix or a slip of the pen.
[[nodiscard]] std::optional<std::string> from_bech32(std::string_view prefix, std::string_view text);

}  // namespace omrsync::stick
