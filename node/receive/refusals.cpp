#include "node/receive/refusals.h"

#include "node/store/facts.h"
#include "protocol/json.h"

namespace omrsync::node {
namespace {

constexpr std::chrono::milliseconds kPause{60'000};
constexpr std::size_t kRemembered = 1000;

Status write(ports::Store& store, std::int64_t now_ms, std::string_view who, std::string_view asked, Code code,
             std::uint64_t times) {
  Json record;
  record.set("act", "peer.refused").set("at_ms", now_ms).set("peer", who).set("asked", asked);
  record.set("code", to_string(code)).set("times", times);
  OMRSYNC_TRY(tx, store.write());
  OMRSYNC_CHECK(append_audit(*tx, to_string(record)));
  return tx->commit();
}

}  // namespace

void Refusals::note(std::string_view who, std::string_view asked, Code code) {
  const auto now = clock_.steady();
  const std::uint64_t times = seen_.with([&](auto& seen) -> std::uint64_t {
    if (seen.size() >= kRemembered) seen.clear();
    const auto [place, fresh] = seen.try_emplace({std::string(who), code});
    Seen& one = place->second;
    ++one.since;
    if (!fresh && now < one.written + kPause) return 0;
    one.written = now;
    return std::exchange(one.since, 0);
  });
  if (times > 0) (void)write(store_, clock_.utc().count(), who, asked, code, times);
}

}  // namespace omrsync::node
