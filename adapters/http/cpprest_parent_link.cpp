#include "adapters/http/cpprest_parent_link.h"

#include <cpprest/containerstream.h>
#include <cpprest/http_client.h>
#include <cpprest/rawptrstream.h>
#include <openssl/ssl.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <vector>

#include "adapters/http/files.h"
#include "adapters/http/tls_watch.h"

namespace omrsync::http {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;
using web::http::http_headers;
using web::http::http_response;
using web::http::client::http_client;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kThreads = 4;
constexpr int kMostStale = 4;  // kept connections that one question may find closed

Error later(Code code, std::string message) { return Error{Remedy::retry_later, code, std::move(message)}; }

Error too_large() { return later(Code::line_foreign_answer, "The answer is larger than any that a parent gives."); }

/// Rung by the library's threads when a task has ended; the link's thread waits for it.
class Bell {
 public:
  void ring() {
    const std::scoped_lock lock(mutex_);
    rung_ = true;
    wake_.notify_all();
  }
  void wait(milliseconds patience) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, patience, [this] { return rung_; });
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool rung_ = false;
};

/// One question and what comes of it. The library's tasks keep it alive, so dropping a question needs no waiting.
struct Exchange {
  Bell bell;
  std::atomic<bool> dropped{false};
  std::atomic<std::uint64_t> up{0};
  std::atomic<std::uint64_t> down{0};
  std::optional<pplx::task<http_response>> head;
  std::optional<http_response> response;
  std::optional<pplx::task<std::size_t>> part;
  std::vector<std::uint8_t> part_bytes = std::vector<std::uint8_t>(kReadBytes);
  std::string body;
};

/// Runs `then` on the library's thread when the task has ended, well or not. The library ends the process over a task
/// whose failure nobody ever looked at, so each task goes through here, whoever else looks.
template <typename T, typename Then>
void afterwards(pplx::task<T> task, Then then) {
  task.then([then](pplx::task<T> done) {
    bool well = true;
    try {
      done.wait();
    } catch (const std::exception&) {
      well = false;
    }
    then(done, well);
  });
}

/// Ends an answer that nobody reads. The library's own cancellation closes a socket that its threads may just be using
/// (a crash, seen); a reader that is gone makes them stop by themselves.
void stop_reading(const http_response& response) {
  const auto nobody = std::make_exception_ptr(web::http::http_exception("nobody reads"));
  afterwards(response.body().streambuf().close(std::ios_base::in | std::ios_base::out, nobody),
             [](const pplx::task<void>&, bool) {});
}

void when_head_comes(const std::shared_ptr<Exchange>& exchange) {
  afterwards(*exchange->head, [exchange](const pplx::task<http_response>& done, bool well) {
    exchange->bell.ring();
    if (well && exchange->dropped) stop_reading(done.get());
  });
}

/// Our authority instead of the system's, and this node's card.
void prepare_tls(boost::asio::ssl::context& context, const LinkOptions& options, std::shared_ptr<TlsWatch> watch) {
  SSL_CTX* native = context.native_handle();
  SSL_CTX_set_cert_store(native, X509_STORE_new());
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  context.load_verify_file(options.ca_file.string());
  context.use_certificate_chain_file(options.certificate_file.string());
  context.use_private_key_file(options.key_file.string(), boost::asio::ssl::context::pem);
  context.set_verify_mode(boost::asio::ssl::verify_peer);
  TlsWatch::attach(native, std::move(watch));
}

/// A connection that is not made in time ends by the connect limit; afterwards `ProgressWatch` decides.
web::http::client::http_client_config client_config(const LinkOptions& options, std::shared_ptr<TlsWatch> watch) {
  web::http::client::http_client_config config;
  config.set_max_redirects(0);
  config.set_validate_certificates(true);
  config.set_timeout(std::max({options.patience.connect, options.patience.answer, options.patience.stall}) +
                     milliseconds(1000));
  if (!options.proxy.empty()) config.set_proxy(web::web_proxy(options.proxy));
  config.set_ssl_context_callback([options, watch = std::move(watch)](boost::asio::ssl::context& context) {
    prepare_tls(context, options, watch);
  });
  return config;
}

std::chrono::seconds retry_after(const http_headers& headers) {
  const auto found = headers.find("Retry-After");
  if (found == headers.end()) return std::chrono::seconds(0);
  const std::string& value = found->second;
  std::chrono::seconds::rep seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error != std::errc{} || end != value.data() + value.size()) {
    const auto date = utility::datetime::from_string(value, utility::datetime::RFC_1123);
    if (!date.is_initialized()) return std::chrono::seconds(0);
    seconds = static_cast<std::chrono::seconds::rep>(date.to_interval()) / 10'000'000 -
              static_cast<std::chrono::seconds::rep>(utility::datetime::utc_now().to_interval()) / 10'000'000;
  }
  return std::clamp(std::chrono::seconds(seconds), std::chrono::seconds(0), kLongestRetryAfter);
}

class Link final : public ports::ParentLink {
 public:
  explicit Link(LinkOptions options)
      : options_(std::move(options)), client_(options_.url, client_config(options_, tls_)) {}
  ~Link() override { drop(); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  Status send(ports::Request request) override;
  Result<std::optional<ports::Response>> collect(milliseconds patience) override;

 private:
  void ask();
  void drop();
  using Answer = Result<std::optional<ports::Response>>;

  Answer advance();
  Result<bool> advance_head();
  Answer advance_body();
  void read_part();
  bool stalled();
  Error failure(const std::string& what);
  template <typename Work>
  auto guarded(Work work) -> decltype(work());

  LinkOptions options_;
  std::shared_ptr<TlsWatch> tls_ = std::make_shared<TlsWatch>();
  http_client client_;
  std::shared_ptr<Exchange> exchange_;
  ports::Request question_;
  ProgressWatch watch_;
  SteadyClock::time_point asked_;
  bool kept_ = false;  ///< the library may hold connections of earlier questions
  int stale_left_ = 0;
};

/// The only catch for the library's exceptions: cpprestsdk tells kinds of failure apart by constant sentences alone.
template <typename Work>
auto Link::guarded(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const web::http::http_exception& error) {
    return failure(error.what());
  } catch (const pplx::task_canceled&) {
    return failure("");
  } catch (const std::exception&) {
    return failure("");
  }
}

Status Link::send(ports::Request request) {
  drop();
  question_ = std::move(request);
  stale_left_ = kept_ ? kMostStale : 0;
  Status asked = guarded([this]() -> Status {
    ask();
    return Done{};
  });
  if (!asked) drop();
  return asked;
}

void Link::ask() {
  tls_->reset();
  asked_ = SteadyClock::now();
  watch_.start(options_.patience, question_.body.size(), asked_);
  exchange_ = std::make_shared<Exchange>();
  web::http::http_request request(web::http::methods::POST);
  request.set_request_uri(question_.path);
  request.headers().add("User-Agent", "omrsync/" OMRSYNC_VERSION);
  request.set_body(std::vector<unsigned char>(question_.body.begin(), question_.body.end()));
  request.headers().set_content_type("application/octet-stream");
  request.set_progress_handler(
      [exchange = exchange_](web::http::message_direction::direction way, std::uint64_t bytes) {
        (way == web::http::message_direction::upload ? exchange->up : exchange->down) = bytes;
      });
  exchange_->head = client_.request(request);
  when_head_comes(exchange_);
}

/// The question goes on in the library until it ends or times out there; what comes of it is thrown away.
void Link::drop() {
  if (!exchange_) return;
  exchange_->dropped = true;
  if (exchange_->response) stop_reading(*exchange_->response);
  exchange_.reset();
}

Result<std::optional<ports::Response>> Link::collect(milliseconds patience) {
  if (!exchange_) return Error{Remedy::look_first, Code::defect, "There is no question to collect an answer for."};
  const auto deadline = SteadyClock::now() + patience;
  while (true) {
    Answer answer = guarded([this] { return advance(); });
    if (!answer || answer->has_value()) {
      drop();
      kept_ = answer.has_value();
      return answer;
    }
    if (stalled()) {
      const bool connected = tls_->established() || kept_;
      drop();
      kept_ = false;
      if (!connected) return later(Code::line_unreachable, "The parent does not answer at its address.");
      return later(Code::line_cut, "Nothing moved on the line to the parent for too long.");
    }
    const auto now = SteadyClock::now();
    if (now >= deadline) return std::optional<ports::Response>{};
    exchange_->bell.wait(
        std::clamp(std::chrono::ceil<milliseconds>(deadline - now), milliseconds(1), milliseconds(250)));
  }
}

bool Link::stalled() {
  const auto now = SteadyClock::now();
  const bool connected = tls_->established() || kept_ || exchange_->up > 0;
  if (!connected && now - asked_ > options_.patience.connect) return true;
  return watch_.stalled(connected, exchange_->up, exchange_->down, now);
}

/// One step as far as the library has come; nothing while the answer is incomplete.
Link::Answer Link::advance() {
  if (!exchange_->response) {
    OMRSYNC_TRY(come, advance_head());
    if (!come) return std::optional<ports::Response>{};
  }
  return advance_body();
}

Result<bool> Link::advance_head() {
  if (!exchange_->head->is_done()) return false;
  try {
    exchange_->response = exchange_->head->get();
  } catch (const web::http::http_exception&) {
    // The library sends on a kept connection that the parent has closed, and does not try another by itself.
    if (stale_left_ == 0 || tls_->established()) throw;
    --stale_left_;
    ask();
    return false;
  }
  if (exchange_->response->headers().content_length() > options_.most_answer_bytes) return too_large();
  read_part();
  return true;
}

void Link::read_part() {
  concurrency::streams::rawptr_buffer<std::uint8_t> into(exchange_->part_bytes.data(), exchange_->part_bytes.size());
  exchange_->part = exchange_->response->body().read(into, kReadBytes);
  afterwards(*exchange_->part, [exchange = exchange_](const auto&, bool) { exchange->bell.ring(); });
}

Link::Answer Link::advance_body() {
  while (exchange_->part->is_done()) {
    const std::size_t got = exchange_->part->get();
    if (got == 0) {
      exchange_->response->content_ready().wait();  // a body that was cut short ends with an error here
      ports::Response answer;
      answer.status = exchange_->response->status_code();
      answer.content_type = exchange_->response->headers().content_type();
      answer.retry_after = retry_after(exchange_->response->headers());
      answer.body = std::move(exchange_->body);
      return std::optional<ports::Response>(std::move(answer));
    }
    exchange_->body.append(reinterpret_cast<const char*>(exchange_->part_bytes.data()), got);
    if (exchange_->body.size() > options_.most_answer_bytes) return too_large();
    read_part();
  }
  return std::optional<ports::Response>{};
}

Error Link::failure(const std::string& what) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (const std::optional<Error> tls = tls_->failure(options_.certificate_file, now)) return *tls;
  const std::string_view text = what;
  const auto says = [text](std::string_view words) { return text.find(words) != std::string_view::npos; };
  if (says("resolving")) return later(Code::line_unreachable, "The name of the parent cannot be looked up.");
  if (says("Failed to connect")) return later(Code::line_unreachable, "The parent's machine refuses the connection.");
  if (says("handshake") && !tls_->established())
    return later(Code::line_cut, "The connection was closed during the TLS handshake.");
  if (says("parse") || says("Invalid HTTP status line"))
    return later(Code::line_foreign_answer, "What answers at the parent's address does not speak HTTP.");
  return later(Code::line_cut, "The connection broke before the answer was complete.");
}

/// The library starts 40 threads by itself; few programs need that many. It can be told only before its first use.
void limit_threads() {
  static const bool told = [] {
    try {
      crossplat::threadpool::initialize_with_threads(kThreads);
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }();
  static_cast<void>(told);
}

}  // namespace

Result<std::unique_ptr<ports::ParentLink>> CpprestParentLink::open(LinkOptions options) {
  OMRSYNC_TRY(url, checked_base_url(options));
  options.url = url;
  if (options.rates.up != 0 || options.rates.down != 0)
    return Error{Remedy::stop_node, Code::config_invalid, "[parent] max_rate needs [link] client = \"curl\"."};
  limit_threads();
  return std::unique_ptr<ports::ParentLink>(std::make_unique<Link>(std::move(options)));
}

}  // namespace omrsync::http
