#pragma once

#include "tests/adapters/http/support.h"
#include "tests/support/catch.h"

namespace omrsync::http::test {

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline std::string get(const std::string& path, const std::string& headers = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
}

inline std::string post(const std::string& path, const std::string& body) {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

/// A listener on a free port, with its authority.
struct Door {
  explicit Door(const ListenerLimits& limits = {}, Handler handler = &Door::say_back) {
    auto started = Listener::start({"127.0.0.1:0", pki.server(), limits}, std::move(handler));
    if (!started) FAIL(started.error().message);
    listener = std::move(started).value();
  }

  static ports::Response say_back(const ports::IncomingRequest& request) {
    return {200,
            "text/plain",
            request.peer_node + " " + request.peer_fingerprint + " GOT " + request.path + " " + request.body,
            {}};
  }

  std::unique_ptr<Wire> dial_as(const Card& card) {
    return test::dial(listener->port(), {&card, card.ca, TLS1_3_VERSION});
  }

  std::unique_ptr<Wire> dial() { return dial_as(pki.card()); }

  /// What a fresh connection hears until its end, after it has said this.
  std::string talk(std::string_view words) {
    const auto wire = dial();
    if (!wire || !wire->say(words)) return "not connected";
    std::string heard = wire->hear_all();
    return wire->ended() ? heard : heard + " (left open)";
  }

  Pki pki;
  std::unique_ptr<Listener> listener;
};

}  // namespace omrsync::http::test
