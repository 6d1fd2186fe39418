// What one caller may take, and requests that two programs could read in two ways.

#include <unistd.h>

#include <future>

#include "tests/adapters/http/listener_fixture.h"

namespace omrsync::http::test {
namespace {

using std::chrono::milliseconds;

TEST_CASE("headers above the limit are refused, below it taken") {
  Door door;
  CHECK(has(door.talk(get("/", "X-Large: " + std::string(15'000, 'x') + "\r\nConnection: close\r\n")), "200 OK"));
  CHECK(has(door.talk(get("/", "X-Large: " + std::string(17'000, 'x') + "\r\n")), "HTTP/1.1 431"));
  CHECK(has(door.talk("GET /" + std::string(17'000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 431"));
  std::string many = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 2000; ++i) many += "X-Many: 12345\r\n";
  CHECK(has(door.talk(many), "HTTP/1.1 431"));
  CHECK(has(door.talk("GET / HTTP/1.1\r\nX-Bomb: " + std::string(3'000'000, 'x')), "HTTP/1.1 431"));
}

TEST_CASE("a body above the limit is refused before it is sent") {
  ListenerLimits limits;
  limits.body_bytes = 1000;
  Door door(limits);
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ";
  CHECK(has(door.talk(head + "1001\r\n\r\n"), "HTTP/1.1 413"));
  CHECK(has(door.talk(head + "99999999999999\r\nExpect: 100-continue\r\n\r\n"), "HTTP/1.1 413"));
  CHECK(has(door.talk(head + "1000\r\nConnection: close\r\n\r\n" + std::string(1000, 'x')), "200 OK"));
  CHECK(door.listener->counts().handled == 1);
}

TEST_CASE("a caller that sends its large body all the same still hears the refusal") {
  ListenerLimits limits;
  limits.body_bytes = 1000;
  Door door(limits);
  const std::string body(2'000'000, 'x');
  CHECK(has(door.talk(post("/", body)), "HTTP/1.1 413"));
  CHECK(has(
      door.talk("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1e8480\r\n" + body + "\r\n0\r\n\r\n"),
      "HTTP/1.1 413"));
  CHECK(door.listener->counts().handled == 0);
}

TEST_CASE("requests that two programs could read in two ways are refused") {
  const std::string head = GENERATE(
      as<std::string>{},
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\nHost: x\nContent-Length: 0\n\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost:\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n", "\x16\x03\x01garbage\r\n\r\n");
  Door door;
  CAPTURE(head);
  const std::string answer = door.talk(head);
  CHECK(has(answer, "HTTP/1.1 400"));
  CHECK(has(answer, "Connection: close"));
  CHECK(door.listener->counts().handled == 0);
}

TEST_CASE("malformed chunks are refused") {
  const std::string chunks =
      GENERATE(as<std::string>{}, "-1\r\nabc\r\n0\r\n\r\n", "-2\r\n", "zz\r\nabc\r\n", "0x3\r\nabc\r\n0\r\n\r\n",
               "fffffffffffffffff\r\nabc", "3\r\nabcd\r\n0\r\n\r\n", "3 \nabc\r\n0\r\n\r\n", "\r\n");
  Door door;
  CAPTURE(chunks);
  const std::string answer = door.talk("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks);
  CHECK(has(answer, "HTTP/1.1 4"));
  CHECK(door.listener->counts().handled == 0);
}

TEST_CASE("a chunk that promises more than the limit is refused, also without its bytes") {
  Door door;
  CHECK(has(door.talk("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n"), "HTTP/1.1 413"));
}

TEST_CASE("trailers and tiny chunks count as body") {
  ListenerLimits limits;
  limits.body_bytes = 10'000;
  Door door(limits);
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string trailers;
  for (int i = 0; i < 40'000; ++i) trailers += "X-Many: 12345\r\n";
  CHECK(has(door.talk(head + "1\r\nx\r\n0\r\n" + trailers + "\r\n"), "HTTP/1.1 4"));
  std::string chunks;
  for (int i = 0; i < 9'000; ++i) chunks += "1\r\nx\r\n";
  CHECK(has(door.talk(head + chunks + "0\r\n\r\n"), "HTTP/1.1 413"));
  CHECK(door.listener->counts().handled == 0);
}

TEST_CASE("other methods, versions and expectations get their own answers") {
  Door door;
  const std::string method = door.talk("DELETE / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(has(method, "HTTP/1.1 405"));
  CHECK(has(method, "Allow: GET, POST"));
  CHECK(has(door.talk(get("/", "Expect: cookies\r\n")), "HTTP/1.1 417"));
  CHECK(has(door.talk("GET / HTTP/1.0\r\n\r\n"), "200 OK"));
}

TEST_CASE("who does not shake hands in time is closed") {
  ListenerLimits limits;
  limits.handshake = milliseconds(100);
  Door door(limits);
  const int socket = connect_tcp(door.listener->port());
  char byte = 0;
  CHECK(::read(socket, &byte, 1) == 0);
  ::close(socket);
  CHECK(eventually([&] { return door.listener->counts().handshakes_failed == 1; }));
}

TEST_CASE("headers that do not come in time close the connection") {
  ListenerLimits limits;
  limits.headers = milliseconds(150);
  Door door(limits);
  CHECK(door.talk("") == "");
  CHECK(door.talk("GET / HTTP/1.1\r\nHost: x\r\n") == "");
  CHECK(door.listener->counts().handled == 0);
}

TEST_CASE("an idle connection is closed after a while") {
  ListenerLimits limits;
  limits.idle = milliseconds(150);
  Door door(limits);
  const std::string heard = door.talk(get("/once"));
  CHECK(has(heard, "GOT /once"));
  CHECK_FALSE(has(heard, "left open"));
}

TEST_CASE("a body that stops coming is answered 408") {
  ListenerLimits limits;
  limits.stall = milliseconds(150);
  Door door(limits);
  CHECK(has(door.talk("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"), "HTTP/1.1 408"));
  CHECK(has(door.talk("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nhalf"), "HTTP/1.1 408"));
}

TEST_CASE("a node has only so many connections, another node is not concerned") {
  ListenerLimits limits;
  limits.connections_per_node = 2;
  Door door(limits);
  const Card kitale = door.pki.card(kKitale);
  auto first = door.dial_as(kitale);
  const auto second = door.dial_as(kitale);
  for (Wire* wire : {first.get(), second.get()}) {
    REQUIRE(wire->say(get("/in")));
    REQUIRE(has(wire->hear_message(), "200 OK"));
  }
  const std::string third = door.talk(get("/in"));
  CHECK(has(third, "HTTP/1.1 503"));
  CHECK(has(third, "Retry-After: 15"));
  const auto other = door.dial_as(door.pki.card(kKisumu));
  REQUIRE(other->say(get("/in")));
  CHECK(has(other->hear_message(), "200 OK"));
  first.reset();
  REQUIRE(eventually([&] { return door.listener->counts().open == 2; }));
  CHECK(has(door.talk(get("/in", "Connection: close\r\n")), "200 OK"));
}

TEST_CASE("a caller that hangs up while its answer is held leaves its place at once") {
  ListenerLimits limits;
  limits.connections_per_node = 1;
  std::promise<void> release;
  std::promise<void> reached;
  Door door(limits, [&, held = release.get_future().share()](const ports::IncomingRequest& request) {
    if (request.path == "/held") {
      reached.set_value();
      held.wait();
    }
    return ports::Response{200, "text/plain", request.path, {}};
  });
  auto wire = door.dial();
  REQUIRE(wire->say(get("/held")));
  reached.get_future().wait();
  CHECK(has(door.talk(get("/in")), "HTTP/1.1 503"));
  wire.reset();
  CHECK(eventually([&] { return has(door.talk(get("/in", "Connection: close\r\n")), "200 OK"); }));
  release.set_value();
}

TEST_CASE("connections without a handshake are limited in all") {
  ListenerLimits limits;
  limits.unauthenticated = 2;
  Door door(limits);
  const int first = connect_tcp(door.listener->port());
  const int second = connect_tcp(door.listener->port());
  REQUIRE(eventually([&] { return door.listener->counts().open == 2; }));
  const int third = connect_tcp(door.listener->port());
  char byte = 0;
  CHECK(::read(third, &byte, 1) == 0);
  CHECK(door.listener->counts().turned_away == 1);
  for (const int socket : {first, second, third}) ::close(socket);
  REQUIRE(eventually([&] { return door.listener->counts().open == 0; }));
  CHECK(has(door.talk(get("/in", "Connection: close\r\n")), "200 OK"));
}

TEST_CASE("requests beyond the handlers wait, and beyond those are told to come back") {
  ListenerLimits limits;
  limits.handlers = 1;
  limits.waiting = 1;
  std::promise<void> release;
  std::promise<void> reached;
  Door door(limits, [&, held = release.get_future().share()](const ports::IncomingRequest& request) {
    if (request.path == "/held") {
      reached.set_value();
      held.wait();
    }
    return ports::Response{200, "text/plain", request.path, {}};
  });
  const auto running = door.dial();
  REQUIRE(running->say(get("/held")));
  reached.get_future().wait();
  const auto one = door.dial();
  const auto other = door.dial();
  REQUIRE(one->say(get("/one", "Connection: close\r\n")));
  REQUIRE(other->say(get("/other", "Connection: close\r\n")));
  REQUIRE(eventually([&] { return door.listener->counts().refused == 1; }));
  release.set_value();
  const std::string answers = one->hear_all() + other->hear_all();
  CHECK(has(answers, "HTTP/1.1 200"));
  CHECK(has(answers, "HTTP/1.1 503"));
  CHECK(has(answers, "Retry-After: 15"));
  CHECK(has(running->hear_message(), "/held"));
}

TEST_CASE("bodies under way have a memory of fixed size") {
  ListenerLimits limits;
  limits.memory_bytes = 1000;
  Door door(limits);
  const auto half = door.dial();
  REQUIRE(half->say("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 800\r\nExpect: 100-continue\r\n\r\n"));
  REQUIRE(has(half->hear_until("\r\n\r\n"), "100 Continue"));
  CHECK(has(door.talk(post("/b", std::string(300, 'x'))), "HTTP/1.1 503"));
  REQUIRE(half->say(std::string(800, 'x')));
  CHECK(has(half->hear_message(), "200 OK"));
  const auto after = door.dial();
  REQUIRE(after->say(post("/c", std::string(300, 'x'))));
  CHECK(has(after->hear_message(), "200 OK"));
}

}  // namespace
}  // namespace omrsync::http::test
