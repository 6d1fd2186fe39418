#include <algorithm>
#include <charconv>

#include "adapters/mysql/binlog_event.h"

namespace omrsync::mysql {
namespace {

template <typename Number>
bool take_number(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take_char(std::string_view& text, char expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

bool GtidList::parse(std::string_view text) {
  last_.clear();
  while (!text.empty()) {
    Gtid gtid{};
    if (!take_number(text, gtid.domain) || !take_char(text, '-') || !take_number(text, gtid.server) ||
        !take_char(text, '-') || !take_number(text, gtid.sequence))
      return false;
    advance(gtid.domain, gtid.server, gtid.sequence);
    if (!text.empty() && (!take_char(text, ',') || text.empty())) return false;
  }
  return true;
}

void GtidList::advance(std::uint32_t domain, std::uint32_t server, std::uint64_t sequence) {
  const auto at = std::lower_bound(last_.begin(), last_.end(), domain,
                                   [](const Gtid& gtid, std::uint32_t wanted) { return gtid.domain < wanted; });
  if (at != last_.end() && at->domain == domain)
    *at = {domain, server, sequence};
  else
    last_.insert(at, {domain, server, sequence});
}

std::string GtidList::to_string() const {
  std::string text;
  for (const Gtid& gtid : last_) {
    if (!text.empty()) text.push_back(',');
    text.append(std::to_string(gtid.domain)).append("-").append(std::to_string(gtid.server)).append("-");
    text.append(std::to_string(gtid.sequence));
  }
  return text;
}

}  // namespace omrsync::mysql
