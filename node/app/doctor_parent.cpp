#include "node/app/doctor_parent.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>

#include "adapters/http/address.h"
#include "adapters/system/clock.h"
#include "adapters/system/descriptor.h"
#include "node/app/open.h"
#include "node/app/parent_link.h"
#include "node/ship/parent_workers.h"
#include "node/store/facts.h"
#include "node/tuning.h"
#include "protocol/messages.h"

namespace omrsync::app {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kConnectPatience{5000};
constexpr milliseconds kAnswerPatience{15'000};
constexpr std::int64_t kClockWarning_ms = 60'000;

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Check failed(std::string name, Code code, std::string message) {
  return {std::move(name), Check::State::failed, code, std::move(message), std::string(describe(code).remedy)};
}

Addresses look_up(const http::HostPort& where, std::string& why) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &hints, &found);
  if (error != 0) why = ::gai_strerror(error);
  return {found, &::freeaddrinfo};
}

/// Empty when a connection could be made, else why not.
std::string connect_to(const addrinfo& address) {
  const system::Descriptor line(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!line.is_open()) return std::strerror(errno);
  if (::connect(line.number(), address.ai_addr, address.ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return std::strerror(errno);
  pollfd poll{line.number(), POLLOUT, 0};
  if (::poll(&poll, 1, static_cast<int>(kConnectPatience.count())) <= 0) return "no answer";
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(line.number(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? std::string() : std::strerror(error);
}

/// What the node would say at its first contact; the parent changes nothing because of it.
Result<std::string> hello(const Config& config) {
  OMRSYNC_TRY(store, open_store(config));
  OMRSYNC_TRY(tx, store->read());
  OMRSYNC_TRY(identity, node::identity(*tx));
  OMRSYNC_TRY(link, node::link_record(*tx, node::kParentLink));
  return encode(node::greeting(identity.value_or(node::Identity{}), link, now_ms()));
}

Result<ports::Response> ask(const Config& config) {
  OMRSYNC_TRY(link, open_parent_link(config, [] { return admin::LineRules{}; }));
  OMRSYNC_TRY(body, hello(config));
  OMRSYNC_CHECK(link->send({kHelloPath, body}));
  system::Clock clock;
  const auto until = clock.steady() + kAnswerPatience;
  while (clock.steady() < until) {
    OMRSYNC_TRY(answer, link->collect(milliseconds(200)));
    if (answer) return std::move(*answer);
  }
  return Error{Remedy::retry_later, Code::line_unreachable, "The parent did not answer in time."};
}

void check_answer(const ports::Response& response, const std::function<void(const Check&)>& visit) {
  if (response.content_type != kWireContentType)
    return visit(failed("parent.protocol", Code::line_foreign_answer,
                        "What answered is not an omrsync node (status " + std::to_string(response.status) + ")."));
  if (response.status != 200) {
    const auto refusal = decode<Refusal>(response.body);
    return visit(failed("parent.protocol", refusal ? refusal->code : Code::wire_malformed,
                        refusal ? refusal->message : "The parent refused, and its reason cannot be read."));
  }
  const auto answer = decode<HelloAnswer>(response.body);
  if (!answer) return visit(failed("parent.protocol", answer.error().code, answer.error().message));
  visit({"parent.protocol", Check::State::ok, Code::defect,
         "The parent " + answer->name + " speaks protocol " + std::to_string(answer->version) + ".", ""});
  const std::int64_t offset = clock_offset(answer->time_ms, now_ms());
  Check clock{"clock", Check::State::ok, Code::clock_off,
              "The clock is " + std::to_string(std::abs(offset) / 1000) + " s off the parent's.", ""};
  if (std::abs(offset) > kClockWarning_ms) {
    clock.state = Check::State::warning;
    clock.remedy = std::string(describe(Code::clock_off).remedy);
  }
  visit(clock);
}

}  // namespace

void check_parent(const Config& config, const std::function<void(const Check&)>& visit) {
  const auto where = http::parse_https_url(config.parent->url);
  if (!where) return visit(failed("parent.name", Code::config_invalid, where.error().message));
  std::string why;
  const Addresses addresses = look_up(*where, why);
  if (!addresses)
    return visit(failed("parent.name", Code::line_unreachable,
                        "The name " + where->host + " cannot be looked up: " + why + "."));
  visit({"parent.name", Check::State::ok, Code::defect, "The name " + where->host + " is known.", ""});
  for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next) {
    why = connect_to(*one);
    if (why.empty()) break;
  }
  const std::string place = where->host + " port " + std::to_string(where->port);
  if (!why.empty())
    return visit(failed("parent.tcp", Code::line_unreachable, "No connection to " + place + ": " + why + "."));
  visit({"parent.tcp", Check::State::ok, Code::defect, "A connection to " + place + " can be made.", ""});
  const auto response = ask(config);
  if (!response) return visit(failed("parent.tls", response.error().code, response.error().message));
  visit({"parent.tls", Check::State::ok, Code::defect, "Both certificates are accepted.", ""});
  check_answer(*response, visit);
}

}  // namespace omrsync::app
