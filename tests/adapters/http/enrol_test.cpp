// The one question that takes no certificate, and a link that knows its parent by a fingerprint only.
#include <future>

#include "adapters/http/curl_parent_link.h"
#include "tests/adapters/http/listener_fixture.h"

namespace omrsync::http::test {
namespace {

constexpr const char* kPath = "/sync/v1/enrol";

/// A door that lets callers without a certificate ask one thing.
struct OpenDoor {
  explicit OpenDoor(ListenerLimits limits = {}) {
    ListenerOptions options{"127.0.0.1:0", pki.server(), limits, kPath,
                            [this](const TurnedAway& caller) { note(caller); }};
    auto started = Listener::start(std::move(options), &Door::say_back);
    if (!started) FAIL(started.error().message);
    listener = std::move(started).value();
  }

  void note(const TurnedAway& caller) {
    const std::scoped_lock lock(mutex);
    turned_away.push_back(caller);
  }

  std::vector<TurnedAway> seen() {
    const std::scoped_lock lock(mutex);
    return turned_away;
  }

  std::string talk(const Card* card, std::string_view words) {
    const auto wire = dial(listener->port(), {card, pki.card().ca, TLS1_3_VERSION});
    if (!wire || !wire->say(words)) return {};
    return wire->hear_all();
  }

  Pki pki;
  std::mutex mutex;
  std::vector<TurnedAway> turned_away;
  std::unique_ptr<Listener> listener;
};

Result<ports::Response> ask(const OpenDoor& door, const std::string& pin) {
  LinkOptions options;
  options.url = "https://localhost:" + std::to_string(door.listener->port());
  options.authority_pin = pin;
  auto link = CurlParentLink::open(std::move(options));
  REQUIRE(link);
  REQUIRE((*link)->send({kPath, "a request"}));
  for (;;) {
    auto answer = (*link)->collect(std::chrono::milliseconds(100));
    if (!answer) return answer.error();
    if (*answer) return **answer;
  }
}

std::string pin_of(const Pki& pki) {
  const std::string hex = fingerprint(pki.authority().certificate_pem()).value();
  std::string bytes;
  for (std::size_t i = 0; i < 24; i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

TEST_CASE("without a certificate one thing may be asked, once a connection, and nothing else") {
  OpenDoor door;
  const std::string answer = door.talk(nullptr, post(kPath, "a request") + post(kPath, "another"));
  CHECK(has(answer, "200 OK"));
  CHECK(has(answer, "GOT /sync/v1/enrol a request"));
  CHECK_FALSE(has(answer, "another"));
  for (const std::string& words : {post("/sync/v1/hello", "x"), get(kPath), post("/sync/v1/enrol/", "x"),
                                   post("/sync/v1/enrol?a=b", "x"), post("/sync/v1/renew", "x")}) {
    const std::string refused = door.talk(nullptr, words);
    CHECK(has(refused, "401 "));
    CHECK_FALSE(has(refused, "GOT"));
  }
  CHECK(door.listener->counts().handled == 1);
  CHECK(eventually([&] { return door.seen().size() == 5; }));
}

TEST_CASE("what asks for a certificate is small") {
  OpenDoor door;
  CHECK(has(door.talk(nullptr, post(kPath, std::string(16 * 1024, 'x'))), "200 OK"));
  CHECK(has(door.talk(nullptr, post(kPath, std::string(16 * 1024 + 1, 'x'))), "413 "));
}

TEST_CASE("a certificate that does not do is refused in the handshake as ever, and told") {
  OpenDoor door;
  Pki other;
  const Card foreign = other.card();
  const Card expired = door.pki.card(kKitale, valid_from(now() - std::chrono::days(400)));
  const Card nameless = door.pki.nameless_card();
  for (const Card* card : {&foreign, &expired, &nameless}) CHECK(door.talk(card, post(kPath, "x")).empty());
  CHECK(eventually([&] { return door.seen().size() == 3; }));
  const auto seen = door.seen();
  CHECK(seen[0].code == Code::tls_refused);
  CHECK(seen[1].code == Code::certificate_expired);
  CHECK(seen[1].node == kKitale);
  CHECK(seen[2].code == Code::tls_refused);
  for (const TurnedAway& caller : seen) CHECK(caller.address == "127.0.0.1");
  CHECK(door.listener->counts().handled == 0);
}

TEST_CASE("a link that has only a fingerprint believes the parent that has it, and nobody else") {
  OpenDoor door;
  const auto answer = ask(door, pin_of(door.pki));
  REQUIRE(answer);
  CHECK(has(answer->body, "GOT /sync/v1/enrol a request"));

  const auto stranger = ask(door, pin_of(Pki()));
  REQUIRE_FALSE(stranger);
  CHECK(stranger.error().code == Code::authority_mismatch);
  CHECK(stranger.error().remedy == Remedy::set_aside);
  CHECK(door.listener->counts().handled == 1);
}

TEST_CASE("the fingerprint does not stand for the dates") {
  OpenDoor door;
  const std::string pin = pin_of(door.pki);
  REQUIRE(door.listener->set_certificates(door.pki.server(valid_from(now() - std::chrono::days(400)))));
  CHECK(ask(door, pin).error().code == Code::certificate_expired);
  CHECK(door.listener->counts().handled == 0);
}

}  // namespace
}  // namespace omrsync::http::test
