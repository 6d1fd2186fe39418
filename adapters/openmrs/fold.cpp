#include "adapters/openmrs/fold.h"

#include <algorithm>
#include <optional>

namespace omrsync::openmrs {
namespace {

/// Takes one character off the front; nothing where the bytes are no UTF-8.
std::optional<std::uint32_t> take_character(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (size == 0 || size > text.size()) return std::nullopt;
  std::uint32_t code = size == 1 ? lead : lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0U) != 0x80) return std::nullopt;
    code = code << 6U | (next & 0x3FU);
  }
  text.remove_prefix(size);
  return code;
}

void append_character(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0U | code >> 6U));
    out.push_back(static_cast<char>(0x80U | (code & 0x3FU)));
  } else {
    out.push_back(static_cast<char>(0xE0U | code >> 12U));
    out.push_back(static_cast<char>(0x80U | (code >> 6U & 0x3FU)));
    out.push_back(static_cast<char>(0x80U | (code & 0x3FU)));
  }
}

std::uint32_t fold_character(std::uint32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
  if (code > 0xFFFF) return 0xFFFD;
  const std::vector<FoldPair>& pairs = fold_pairs();
  const auto found = std::lower_bound(pairs.begin(), pairs.end(), code,
                                      [](const FoldPair& pair, std::uint32_t wanted) { return pair.from < wanted; });
  return found != pairs.end() && found->from == code ? found->to : code;
}

}  // namespace

std::string fold_name(std::string_view text) {
  while (text.ends_with(' ')) text.remove_suffix(1);
  std::string folded;
  folded.reserve(text.size());
  while (!text.empty()) {
    if (const auto code = take_character(text)) {
      append_character(folded, fold_character(*code));
    } else {
      folded.push_back(text.front());
      text.remove_prefix(1);
    }
  }
  return folded;
}

}  // namespace omrsync::openmrs
