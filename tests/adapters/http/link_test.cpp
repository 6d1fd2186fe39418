// One contract for every way to the parent, held over real TLS against the real listener and against servers that
// misbehave.

#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <mutex>

#include "adapters/http/cpprest_parent_link.h"
#include "adapters/http/curl_parent_link.h"
#include "adapters/http/files.h"
#include "tests/adapters/http/support.h"
#include "tests/support/catch.h"

namespace omrsync::http::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

enum class Client { curl, cpprest };

LinkOptions options_for(const Card& card, std::uint16_t port, const std::string& host = "localhost") {
  LinkOptions options;
  options.url = "https://" + host + ":" + std::to_string(port);
  options.ca_file = card.ca;
  options.certificate_file = card.certificate;
  options.key_file = card.key;
  return options;
}

Result<std::unique_ptr<ports::ParentLink>> try_open(Client client, LinkOptions options) {
  if (client == Client::cpprest) return CpprestParentLink::open(std::move(options));
  OMRSYNC_TRY(link, CurlParentLink::open(std::move(options)));
  return std::unique_ptr<ports::ParentLink>(std::move(link));
}

std::unique_ptr<ports::ParentLink> open_link(Client client, LinkOptions options) {
  auto link = try_open(client, std::move(options));
  if (!link) FAIL(link.error().message);
  return std::move(link).value();
}

/// Collects until the question has ended.
Result<ports::Response> answer_of(ports::ParentLink& link) {
  while (true) {
    OMRSYNC_TRY(answer, link.collect(seconds(1)));
    if (answer) return *std::move(answer);
  }
}

Result<ports::Response> ask(ports::ParentLink& link, ports::Request request) {
  OMRSYNC_CHECK(link.send(std::move(request)));
  return answer_of(link);
}

std::unique_ptr<Listener> listen(const ListenerIdentity& identity, Handler handler) {
  auto listener = Listener::start({"127.0.0.1:0", identity, {}}, std::move(handler));
  if (!listener) FAIL(listener.error().message);
  return std::move(listener).value();
}

ports::Response echo(const ports::IncomingRequest& request) {
  return {200, "application/x-omrsync", request.path + "|" + request.body, {}};
}

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 12345;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

void expect_failure(const Result<ports::Response>& answer, Code code) {
  REQUIRE_FALSE(answer);
  INFO(answer.error().message);
  CHECK(answer.error().code == code);
  CHECK(answer.error().remedy == Remedy::retry_later);
}

TEST_CASE("an answer comes back as the parent gave it") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  Pki pki;
  const auto listener = listen(pki.server(), [](const ports::IncomingRequest& request) {
    return ports::Response{request.path == "/busy" ? 503 : 200, "application/x-omrsync",
                           request.path + "|" + request.body, seconds(request.path == "/busy" ? 77 : 0)};
  });
  const auto link = open_link(client, options_for(pki.card(), listener->port()));

  const auto first = ask(*link, {"/sync/v1/batches?x=%20y", std::string("a\0b\r\n", 5)});
  REQUIRE(first);
  CHECK(first->status == 200);
  CHECK(first->content_type == "application/x-omrsync");
  CHECK(first->body == std::string("/sync/v1/batches?x=%20y|a\0b\r\n", 29));
  CHECK(first->retry_after == seconds(0));

  const auto busy = ask(*link, {"/busy", ""});
  REQUIRE(busy);
  CHECK(busy->status == 503);
  CHECK(busy->retry_after == seconds(77));
  CHECK(busy->body == "/busy|");
  // cpprestsdk gives a connection back some time after it has given the answer.
  if (client == Client::curl) CHECK(listener->counts().accepted == 1);
}

TEST_CASE("large bodies travel whole both ways") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  Pki pki;
  const std::string large = pattern(8 * 1024 * 1024);
  const auto listener = listen(pki.server(), [&large](const ports::IncomingRequest& request) {
    return ports::Response{request.body == large ? 200 : 400, "application/x-omrsync", request.body, {}};
  });
  const auto link = open_link(client, options_for(pki.card(), listener->port()));
  for (int i = 0; i < 2; ++i) {
    const auto answer = ask(*link, {"/large", large});
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->body == large);
  }
}

TEST_CASE("nothing is there while the parent holds the answer") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  Pki pki;
  std::promise<void> release;
  std::promise<void> asked;
  const auto listener = listen(pki.server(), [&, held = release.get_future().share()](const auto& request) {
    asked.set_value();
    held.wait();
    return echo(request);
  });
  const auto link = open_link(client, options_for(pki.card(), listener->port()));
  REQUIRE(link->send({"/wait", "x"}));
  auto asked_now = asked.get_future();
  while (asked_now.wait_for(seconds(0)) != std::future_status::ready)
    REQUIRE_FALSE(link->collect(milliseconds(5)).value());
  CHECK_FALSE(link->collect(milliseconds(0)).value());
  release.set_value();
  CHECK(answer_of(*link).value().body == "/wait|x");
  CHECK_FALSE(link->collect(milliseconds(0)));
}

TEST_CASE("a new question drops the old one") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  Pki pki;
  std::promise<void> release;
  const auto listener = listen(pki.server(), [held = release.get_future().share()](const auto& request) {
    if (request.path == "/first") held.wait();
    return echo(request);
  });
  const auto link = open_link(client, options_for(pki.card(), listener->port()));
  REQUIRE(link->send({"/first", std::string(100'000, 'x')}));
  for (int i = 0; i < 20; ++i) REQUIRE_FALSE(link->collect(milliseconds(1)).value());
  const auto second = ask(*link, {"/second", "y"});
  release.set_value();
  REQUIRE(second);
  CHECK(second->body == "/second|y");
}

TEST_CASE("a kept connection that the parent has closed costs no answer") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  Pki pki;
  ScriptedServer server(pki.server(), [](Wire& wire, int number) {
    wire.hear_message();
    wire.say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(number));
  });
  const auto link = open_link(client, options_for(pki.card(), server.port()));
  for (const char* body : {"1", "2", "3"}) {
    const auto answer = ask(*link, {"/", "question"});
    if (!answer) FAIL(answer.error().message);
    CHECK(answer->body == body);
  }
}

TEST_CASE("a parent of another authority is not trusted") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  Pki ours;
  Pki theirs;
  std::atomic<int> asked{0};
  const auto listener = listen(theirs.server(), [&asked](const auto& request) {
    ++asked;
    return echo(request);
  });
  const auto link = open_link(client, options_for(ours.card(), listener->port()));
  expect_failure(ask(*link, {"/", "secret"}), Code::tls_refused);
  CHECK(asked == 0);
}

TEST_CASE("a parent whose certificate has another name is not trusted") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  Pki pki;
  const auto made_for = GENERATE(as<std::string>{}, "127.0.0.2", "hq.example.org");
  const auto listener = Listener::start({"127.0.0.2:0", pki.server(valid_from(now()), {made_for}), {}}, &echo);
  REQUIRE(listener);
  const auto link = open_link(client, options_for(pki.card(), (*listener)->port(), "127.0.0.2"));
  const auto answer = ask(*link, {"/", "secret"});
  if (made_for == "127.0.0.2")
    CHECK(answer);
  else
    expect_failure(answer, Code::tls_refused);
  CHECK((*listener)->counts().handled == (made_for == "127.0.0.2" ? 1 : 0));
}

TEST_CASE("a card of another authority is refused") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  Pki ours;
  Pki theirs;
  const auto listener = listen(ours.server(), &echo);
  Card foreign = theirs.card();
  foreign.ca = ours.card().ca;
  const auto link = open_link(client, options_for(foreign, listener->port()));
  expect_failure(ask(*link, {"/", "x"}), Code::tls_refused);
  CHECK(listener->counts().handled == 0);
}

TEST_CASE("a card that has expired says so") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  Pki pki;
  const auto listener = listen(pki.server(), &echo);
  const Card card = pki.card(kKitale, valid_from(now() - std::chrono::days(400)));
  const auto link = open_link(client, options_for(card, listener->port()));
  expect_failure(ask(*link, {"/", "x"}), Code::certificate_expired);
}

TEST_CASE("a card that is valid only in the future is a matter of the clock") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  Pki pki;
  const auto listener = listen(pki.server(), &echo);
  const Card card = pki.card(kKitale, valid_from(now() + std::chrono::days(30)));
  const auto link = open_link(client, options_for(card, listener->port()));
  expect_failure(ask(*link, {"/", "x"}), Code::clock_off);
}

TEST_CASE("a parent's certificate out of its dates is told from a clock that is off") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  Pki pki;
  const auto expired = listen(pki.server(valid_from(now() - std::chrono::days(400))), &echo);
  const auto early = listen(pki.server(valid_from(now() + std::chrono::days(30))), &echo);
  const auto to_expired = open_link(client, options_for(pki.card(), expired->port()));
  expect_failure(ask(*to_expired, {"/", "x"}), Code::certificate_expired);
  const auto to_early = open_link(client, options_for(pki.card(), early->port()));
  expect_failure(ask(*to_early, {"/", "x"}), Code::clock_off);
}

TEST_CASE("nobody at the address is not a cut line") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  Pki pki;
  auto listener = listen(pki.server(), &echo);
  const std::uint16_t port = listener->port();
  listener.reset();
  const auto refused = open_link(client, options_for(pki.card(), port));
  expect_failure(ask(*refused, {"/", "x"}), Code::line_unreachable);
  const auto nameless = open_link(client, options_for(pki.card(), port, "no-such-host.invalid"));
  expect_failure(ask(*nameless, {"/", "x"}), Code::line_unreachable);
}

TEST_CASE("an answer that ends too early is a cut line, wherever it ends") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  const std::string answer = GENERATE(as<std::string>{}, "", "HTTP/1.1 200 OK\r\nContent-Le",
                                      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
                                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nhalf");
  Pki pki;
  ScriptedServer server(pki.server(), [&answer](Wire& wire, int) {
    wire.hear_message();
    wire.say(answer);
  });
  const auto link = open_link(client, options_for(pki.card(), server.port()));
  CAPTURE(answer);
  expect_failure(ask(*link, {"/", "x"}), Code::line_cut);
}

TEST_CASE("a line that falls silent is given up in time") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  const std::string answer =
      GENERATE(as<std::string>{}, "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  Pki pki;
  std::promise<void> done;
  ScriptedServer server(pki.server(), [&answer, held = done.get_future().share()](Wire& wire, int) {
    wire.hear_message();
    wire.say(answer);
    held.wait();
  });
  LinkOptions options = options_for(pki.card(), server.port());
  options.patience.answer = options.patience.stall = milliseconds(300);
  const auto link = open_link(client, options);
  expect_failure(ask(*link, {"/", "x"}), Code::line_cut);
  done.set_value();
}

TEST_CASE("a parent that takes connections but never shakes hands is unreachable") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  Pki pki;
  auto probe = listen(pki.server(), &echo);
  const std::uint16_t port = probe->port();
  probe.reset();
  // A bound socket that is listened on but never accepted from: the system completes the connection.
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(socket, 4) == 0);
  LinkOptions options = options_for(pki.card(), port, "127.0.0.1");
  options.patience.connect = milliseconds(300);
  const auto link = open_link(client, options);
  expect_failure(ask(*link, {"/", "x"}), Code::line_unreachable);
  ::close(socket);
}

TEST_CASE("what does not speak HTTP is a foreign answer or a cut line, never an answer") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  const std::string garbage = GENERATE(as<std::string>{}, "220 mail.example.org ESMTP\r\n\r\n",
                                       "\x01\x02\x03\x04\r\n\r\n", "HTTP/9.9 abc\r\n\r\n");
  Pki pki;
  ScriptedServer server(pki.server(), [&garbage](Wire& wire, int) {
    wire.hear_message();
    wire.say(garbage);
  });
  const auto link = open_link(client, options_for(pki.card(), server.port()));
  const auto answer = ask(*link, {"/", "x"});
  REQUIRE_FALSE(answer);
  CHECK((answer.error().code == Code::line_foreign_answer || answer.error().code == Code::line_cut));
}

TEST_CASE("pages of portals and redirects are given up as they came and never followed") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  Pki pki;
  ScriptedServer server(pki.server(), [](Wire& wire, int) {
    const std::string head = wire.hear_message();
    if (head.find("/moved") != std::string::npos)
      wire.say(
          "HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    else
      wire.say("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>");
  });
  const auto link = open_link(client, options_for(pki.card(), server.port()));
  const auto moved = ask(*link, {"/moved", "x"});
  REQUIRE(moved);
  CHECK(moved->status == 307);
  CHECK(server.served() == 1);
  const auto page = ask(*link, {"/", "x"});
  REQUIRE(page);
  CHECK(page->status == 200);
  CHECK(page->content_type == "text/html");
  CHECK(page->body == "<html>");
}

TEST_CASE("an answer without end is not read to the end") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  const bool announced = GENERATE(true, false);
  Pki pki;
  ScriptedServer server(pki.server(), [announced](Wire& wire, int) {
    wire.hear_message();
    wire.say(announced ? "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"
                       : "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string part = announced ? std::string(4096, 'x') : "1000\r\n" + std::string(4096, 'x') + "\r\n";
    while (wire.say(part)) {
    }
  });
  LinkOptions options = options_for(pki.card(), server.port());
  options.most_answer_bytes = 100'000;
  const auto link = open_link(client, options);
  expect_failure(ask(*link, {"/", "x"}), Code::line_foreign_answer);
}

TEST_CASE("a date in Retry-After counts, and a day is the most") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  const auto [value, most] = GENERATE(table<std::string, int>({{"Tue, 31 Dec 2999 23:59:59 GMT", 86400},
                                                               {"999999999", 86400},
                                                               {"Fri, 31 Dec 1999 23:59:59 GMT", 0},
                                                               {"soon", 0}}));
  Pki pki;
  ScriptedServer server(pki.server(), [&value = value](Wire& wire, int) {
    wire.hear_message();
    wire.say("HTTP/1.1 503 Busy\r\nRetry-After: " + value + "\r\nContent-Length: 0\r\n\r\n");
  });
  const auto link = open_link(client, options_for(pki.card(), server.port()));
  CAPTURE(value, client == Client::curl);
  const auto answer = ask(*link, {"/", "x"});
  REQUIRE(answer);
  CHECK(answer->retry_after == seconds(most));
}

TEST_CASE("a card that cannot be used is told before anything is sent") {
  const Client client = GENERATE(Client::curl, Client::cpprest);
  Pki pki;
  const Card card = pki.card();
  LinkOptions options = options_for(card, 1);
  SECTION("the key may be read by others") {
    std::filesystem::permissions(card.key, std::filesystem::perms(0644));
    CHECK(try_open(client, options).error().code == Code::secret_readable);
  }
  SECTION("a file is absent") {
    options.ca_file = pki.folder() / "absent";
    CHECK(try_open(client, options).error().code == Code::file_unreadable);
  }
  SECTION("a file is something else") {
    options.certificate_file = card.key;
    CHECK(try_open(client, options).error().code == Code::file_unreadable);
  }
  SECTION("the URL is not https") {
    options.url = "http://localhost:1";
    CHECK(try_open(client, options).error().code == Code::config_invalid);
  }
}

// cpprestsdk's client ends the process on such an answer; that is why it is not the default.
TEST_CASE("a malformed chunk size ends the question, not the process") {
  const std::string size = GENERATE(as<std::string>{}, "-1", "-2", "zz", "fffffffffffffffff");
  Pki pki;
  ScriptedServer server(pki.server(), [&size](Wire& wire, int) {
    wire.hear_message();
    wire.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size + "\r\nxxxx\r\n0\r\n\r\n");
  });
  const auto link = open_link(Client::curl, options_for(pki.card(), server.port()));
  expect_failure(ask(*link, {"/", "x"}), Code::line_cut);
}

TEST_CASE("headers without end are not read to the end") {
  Pki pki;
  ScriptedServer server(pki.server(), [](Wire& wire, int) {
    wire.hear_message();
    wire.say("HTTP/1.1 200 OK\r\n");
    while (wire.say("X-Bomb: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  const auto link = open_link(Client::curl, options_for(pki.card(), server.port()));
  expect_failure(ask(*link, {"/", "x"}), Code::line_foreign_answer);
}

TEST_CASE("rates are libcurl's alone") {
  Pki pki;
  const auto listener = listen(pki.server(), &echo);
  LinkOptions options = options_for(pki.card(), listener->port());
  options.rates = {1'000'000, 1'000'000};
  CHECK(try_open(Client::cpprest, options).error().code == Code::config_invalid);
  auto link = CurlParentLink::open(options);
  REQUIRE(link);
  CHECK(ask(**link, {"/", "x"}).value().body == "/|x");
  (*link)->set_rates({});
  CHECK(ask(**link, {"/", "y"}).value().body == "/|y");
}

}  // namespace
}  // namespace omrsync::http::test
