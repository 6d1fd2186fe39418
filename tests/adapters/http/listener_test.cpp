// Who gets in, what reaches the handler, and how it ends.

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <set>

#include "tests/adapters/http/listener_fixture.h"

namespace omrsync::http::test {
namespace {

TEST_CASE("the identity passed in is that of the certificate") {
  Door door;
  const Card kitale = door.pki.card(kKitale);
  const Card kisumu = door.pki.card(kKisumu);
  for (const Card* card : {&kitale, &kisumu, &kitale}) {
    const auto wire = door.dial_as(*card);
    REQUIRE(wire->say(get("/who", "X-Client: " + std::string(kKisumu) + "\r\n")));
    const std::string answer = wire->hear_message();
    CHECK(has(answer,
              certificate_node(card->certificate_pem).value() + " " + fingerprint(card->certificate_pem).value()));
  }
}

TEST_CASE("nobody without a card of this authority reaches the handler") {
  Door door;
  Pki other;
  const Card foreign = other.card();
  const Card expired = door.pki.card(kKitale, valid_from(now() - std::chrono::days(400)));
  const Card nameless = door.pki.nameless_card();
  const ListenerIdentity server = door.pki.server();
  const Card serving = door.pki.write({server.key_pem, server.certificate_pem});
  const std::vector<const Card*> cards = {nullptr, &foreign, &expired, &nameless, &serving};
  for (const int newest : {TLS1_3_VERSION, TLS1_2_VERSION})
    for (const Card* card : cards) {
      const auto wire = dial(door.listener->port(), {card, door.pki.card().ca, newest});
      if (!wire) continue;
      wire->say(get("/who"));
      CHECK(wire->hear_all().empty());
      CHECK(wire->ended());
    }
  CHECK(eventually([&] { return door.listener->counts().handshakes_failed == 2 * cards.size(); }));
  CHECK(door.listener->counts().handled == 0);
}

TEST_CASE("TLS below 1.2 is refused") {
  Door door;
  const Card card = door.pki.card();
  CHECK_FALSE(dial(door.listener->port(), {&card, card.ca, TLS1_1_VERSION}));
  CHECK(dial(door.listener->port(), {&card, card.ca, TLS1_2_VERSION}));
}

TEST_CASE("a connection is used again, also for requests sent together") {
  Door door;
  const auto wire = door.dial();
  REQUIRE(wire->say(get("/one") + post("/two", "body") + get("/three")));
  CHECK(has(wire->hear_message(), "GOT /one "));
  CHECK(has(wire->hear_message(), "GOT /two body"));
  CHECK(has(wire->hear_message(), "GOT /three "));
  REQUIRE(wire->say(get("/last", "Connection: close\r\n")));
  const std::string last = wire->hear_all();
  CHECK(has(last, "Connection: close"));
  CHECK(has(last, "GOT /last "));
  CHECK(wire->ended());
}

TEST_CASE("bodies arrive whole, chunked or not, in however many pieces") {
  Door door;
  const auto wire = door.dial();
  const std::string chunked =
      "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n";
  for (const char piece : chunked) REQUIRE(wire->say(std::string_view(&piece, 1)));
  CHECK(has(wire->hear_message(), "GOT /c abcde"));
  REQUIRE(wire->say("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nab"));
  REQUIRE(wire->say("cd"));
  REQUIRE(wire->say(std::string_view("e\0", 2)));
  CHECK(has(wire->hear_message(), std::string("GOT /p abcde\0", 13)));
}

TEST_CASE("a caller that asks first is told to go on") {
  Door door;
  const auto wire = door.dial();
  REQUIRE(wire->say("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
  CHECK(wire->hear_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  REQUIRE(wire->say("ok"));
  CHECK(has(wire->hear_message(), "GOT /p ok"));
}

TEST_CASE("a handler that takes its time does not hold up the others") {
  std::promise<void> release;
  std::promise<void> reached;
  Door door({}, [&, held = release.get_future().share()](const ports::IncomingRequest& request) {
    if (request.path == "/held") {
      reached.set_value();
      held.wait();
    }
    return ports::Response{200, "text/plain", request.path, {}};
  });
  const auto slow = door.dial();
  REQUIRE(slow->say(get("/held")));
  reached.get_future().wait();
  const auto quick = door.dial();
  for (int i = 0; i < 10; ++i) {
    REQUIRE(quick->say(get("/quick")));
    CHECK(has(quick->hear_message(), "200 OK"));
  }
  release.set_value();
  CHECK(has(slow->hear_message(), "/held"));
}

TEST_CASE("a handler that throws costs its caller an answer and nobody else") {
  Door door({}, [](const ports::IncomingRequest& request) -> ports::Response {
    if (request.path == "/bad") throw std::runtime_error("patient Achieng");
    return {200, "text/plain", "fine", {}};
  });
  const auto wire = door.dial();
  REQUIRE(wire->say(get("/bad")));
  const std::string answer = wire->hear_message();
  CHECK(has(answer, "HTTP/1.1 500"));
  CHECK_FALSE(has(answer, "Achieng"));
  REQUIRE(wire->say(get("/good")));
  CHECK(has(wire->hear_message(), "fine"));
}

TEST_CASE("new certificates hold for new connections, and a bad pair changes nothing") {
  Door door;
  const auto before = door.dial();
  const ListenerIdentity fresh = door.pki.server();
  REQUIRE(door.listener->set_certificates(fresh));
  ListenerIdentity mixed = door.pki.server();
  mixed.key_pem = door.pki.server().key_pem;
  CHECK_FALSE(door.listener->set_certificates(mixed));
  const auto after = door.dial();
  CHECK(after->peer_fingerprint() == fingerprint(fresh.certificate_pem).value());
  CHECK(before->peer_fingerprint() != after->peer_fingerprint());
  REQUIRE(before->say(get("/still")));
  CHECK(has(before->hear_message(), "GOT /still"));
}

TEST_CASE("connections that are broken off leave no descriptor behind") {
  Door door;
  const Card card = door.pki.card();
  CHECK(has(door.talk(get("/warm", "Connection: close\r\n")), "200 OK"));
  REQUIRE(eventually([&] { return door.listener->counts().open == 0; }));
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 200; ++i) {
    if (i % 5 < 2) {
      const int socket = connect_tcp(door.listener->port());
      if (i % 5 == 1) CHECK(::send(socket, "\x16\x03\x01", 3, MSG_NOSIGNAL) == 3);
      ::close(socket);
      continue;
    }
    const auto wire = door.dial_as(card);
    REQUIRE(wire);
    if (i % 5 == 3) wire->say("POST /half HTTP/1.1\r\nHos");
    if (i % 5 == 4) wire->say("POST /half HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
  }
  CHECK(eventually([&] { return door.listener->counts().open == 0; }));
  CHECK(open_descriptors() == before);
  CHECK(has(door.talk(get("/after", "Connection: close\r\n")), "GOT /after"));
}

TEST_CASE("a listener without descriptors recovers when there are some again") {
  Door door;
  rlimit usual{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
  const auto used = static_cast<rlim_t>(::dup(0));
  ::close(static_cast<int>(used));
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const rlimit none{used + 1, usual.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const sockaddr_in address = loopback(door.listener->port());
  const int connected = ::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const bool accepted_meanwhile = door.listener->counts().accepted > 0;
  ::setrlimit(RLIMIT_NOFILE, &usual);
  CHECK(connected == 0);
  CHECK_FALSE(accepted_meanwhile);
  CHECK(eventually([&] { return door.listener->counts().accepted == 1; }));
  ::close(client);
  CHECK(has(door.talk(get("/after", "Connection: close\r\n")), "GOT /after"));
}

TEST_CASE("stopping answers what is under way and closes the rest") {
  std::promise<void> release;
  std::promise<void> reached;
  Door door({}, [&, held = release.get_future().share()](const ports::IncomingRequest&) {
    reached.set_value();
    held.wait();
    return ports::Response{200, "text/plain", "answered", {}};
  });
  const auto idle = door.dial();
  const auto half = door.dial();
  REQUIRE(half->say("POST /half HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"));
  const auto busy = door.dial();
  REQUIRE(busy->say(get("/held")));
  reached.get_future().wait();
  auto stopped = std::async(std::launch::async, [&door] { door.listener->stop(); });
  CHECK(idle->hear_all().empty());
  CHECK(half->hear_all().empty());
  CHECK(idle->ended());
  CHECK(half->ended());
  release.set_value();
  const std::string answer = busy->hear_all();
  CHECK(has(answer, "answered"));
  CHECK(has(answer, "Connection: close"));
  CHECK(stopped.wait_for(std::chrono::seconds(10)) == std::future_status::ready);
  CHECK(connect_tcp(door.listener->port()) == -1);
}

TEST_CASE("stopping under load ends in time") {
  ListenerLimits limits;
  limits.connections_per_node = 100;
  Door door(limits);
  const Card card = door.pki.card();
  std::atomic<bool> enough{false};
  std::atomic<int> answered{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i)
    callers.emplace_back([&] {
      while (!enough) {
        const auto wire = door.dial_as(card);
        while (wire && !enough && wire->say(post("/load", std::string(20'000, 'x'))) &&
               has(wire->hear_message(), "200 OK"))
          ++answered;
      }
    });
  CHECK(eventually([&] { return answered > 200; }));
  auto stopped = std::async(std::launch::async, [&door] { door.listener->stop(); });
  CHECK(stopped.wait_for(std::chrono::seconds(10)) == std::future_status::ready);
  enough = true;
  for (std::thread& caller : callers) caller.join();
  CHECK(door.listener->counts().open == 0);
}

TEST_CASE("an address that cannot be listened on is a matter of configuration") {
  Door door;
  for (const std::string& address : {std::string("127.0.0.1:") + std::to_string(door.listener->port()),
                                     std::string("203.0.113.7:0"), std::string("nowhere")}) {
    const auto second = Listener::start({address, door.pki.server(), {}}, &Door::say_back);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Code::config_invalid);
  }
}

}  // namespace
}  // namespace omrsync::http::test
