#include "adapters/http/curl_parent_link.h"

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "adapters/http/pinned.h"
#include "adapters/http/sigpipe.h"
#include "adapters/http/tls_watch.h"

namespace omrsync::http {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMostHeaderBytes = 64 * 1024;

struct FreeEasy {
  void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};
struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

Error later(Code code, std::string message) { return Error{Remedy::retry_later, code, std::move(message)}; }

/// libcurl wants to be told once a process.
bool curl_ready() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return ready;
}

std::chrono::sys_seconds wall_clock() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

class Link final : public CurlParentLink {
 public:
  explicit Link(LinkOptions options) : options_(std::move(options)) {}
  ~Link() override {
    const SigpipeGuard guard;  // closing says good-bye
    drop();
    easy_.reset();
    multi_.reset();
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  Status prepare();
  void set_rates(Rates rates) override { options_.rates = rates; }
  Status send(ports::Request request) override;
  Result<std::optional<ports::Response>> collect(milliseconds patience) override;

 private:
  template <typename Value>
  void set(CURLoption option, Value value) {
    if (curl_easy_setopt(easy_.get(), option, value) != CURLE_OK) refused_option_ = option;
  }
  void set_trust();
  void set_receivers();
  void drop() noexcept;
  std::optional<CURLcode> finished();
  ports::Response take_answer();
  Error failure(CURLcode code);
  Error connect_failure();
  std::uint64_t figure(CURLINFO which);

  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static CURLcode on_context(CURL*, void* context, void* self);

  LinkOptions options_;
  std::shared_ptr<TlsWatch> tls_ = std::make_shared<TlsWatch>();
  std::unique_ptr<curl_slist, FreeList> headers_;
  std::unique_ptr<CURLM, FreeMulti> multi_;
  std::unique_ptr<CURL, FreeEasy> easy_;
  std::optional<CURLoption> refused_option_;
  ProgressWatch watch_;
  std::string question_;
  std::string answer_;
  std::size_t header_bytes_ = 0;
  bool headers_whole_ = false;
  bool too_large_ = false;
  bool under_way_ = false;
};

Status Link::prepare() {
  if (!curl_ready()) return Error{Remedy::stop_node, Code::defect, "libcurl cannot be started."};
  multi_.reset(curl_multi_init());
  easy_.reset(curl_easy_init());
  for (const char* line : {"Expect:", "Content-Type: application/octet-stream"})
    if (curl_slist* longer = curl_slist_append(headers_.get(), line)) {
      static_cast<void>(headers_.release());
      headers_.reset(longer);
    }
  if (!multi_ || !easy_ || !headers_) return Error{Remedy::stop_node, Code::defect, "libcurl lacks memory."};
  set(CURLOPT_POST, 1L);
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_USERAGENT, "omrsync/" OMRSYNC_VERSION);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_PROTOCOLS_STR, "https");
  set(CURLOPT_PROXY, options_.proxy.c_str());
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);  // dropping a question does not wait for a name look-up that hangs
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.patience.connect.count()));
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(options_.most_answer_bytes));
  set(CURLOPT_PRIVATE, this);
  set_trust();
  set_receivers();
  if (refused_option_)
    return Error{Remedy::stop_node, Code::defect,
                 "This libcurl refuses option " + std::to_string(*refused_option_) + "."};
  return Done{};
}

void Link::set_trust() {
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // else the system's own authorities count too
  if (options_.authority_pin.empty()) {
    set(CURLOPT_CAINFO, options_.ca_file.c_str());
    set(CURLOPT_SSLCERT, options_.certificate_file.c_str());
    set(CURLOPT_SSLKEY, options_.key_file.c_str());
  } else {
    set(CURLOPT_CAINFO, static_cast<const char*>(nullptr));
  }
  set(CURLOPT_SSL_CTX_FUNCTION, &Link::on_context);
  set(CURLOPT_SSL_CTX_DATA, this);
}

void Link::set_receivers() {
  set(CURLOPT_HEADERFUNCTION, &Link::on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &Link::on_body);
  set(CURLOPT_WRITEDATA, this);
}

Status Link::send(ports::Request request) {
  const SigpipeGuard guard;
  drop();
  question_ = std::move(request.body);
  const std::string url = options_.url + request.path;
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_POSTFIELDS, question_.data());
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(question_.size()));
  set(CURLOPT_MAX_SEND_SPEED_LARGE, static_cast<curl_off_t>(options_.rates.up));
  set(CURLOPT_MAX_RECV_SPEED_LARGE, static_cast<curl_off_t>(options_.rates.down));
  tls_->reset();
  watch_.start(options_.patience, question_.size(), SteadyClock::now());
  if (curl_multi_add_handle(multi_.get(), easy_.get()) != CURLM_OK)
    return Error{Remedy::stop_node, Code::defect, "libcurl did not take the question."};
  under_way_ = true;
  return Done{};
}

/// Ends a question that is under way, with its connection, and forgets what came of it.
void Link::drop() noexcept {
  if (under_way_) curl_multi_remove_handle(multi_.get(), easy_.get());
  under_way_ = false;
  question_ = {};
  answer_ = {};
  header_bytes_ = 0;
  headers_whole_ = false;
  too_large_ = false;
}

Result<std::optional<ports::Response>> Link::collect(milliseconds patience) {
  if (!under_way_) return Error{Remedy::look_first, Code::defect, "There is no question to collect an answer for."};
  const SigpipeGuard guard;
  const auto deadline = SteadyClock::now() + patience;
  while (true) {
    int running = 0;
    if (curl_multi_perform(multi_.get(), &running) != CURLM_OK) {
      drop();
      return later(Code::line_cut, "libcurl gave the question up.");
    }
    if (const std::optional<CURLcode> code = finished()) {
      std::optional<ports::Response> answer;
      if (*code != CURLE_OK || !headers_whole_) {  // libcurl takes headers that end too early for an answer
        const Error error = failure(*code);
        drop();
        return error;
      }
      answer = take_answer();
      drop();
      return answer;
    }
    const auto now = SteadyClock::now();
    if (watch_.stalled(figure(CURLINFO_PRETRANSFER_TIME_T) > 0, figure(CURLINFO_SIZE_UPLOAD_T),
                       figure(CURLINFO_SIZE_DOWNLOAD_T), now)) {
      drop();
      return later(Code::line_cut, "Nothing moved on the line to the parent for too long.");
    }
    if (now >= deadline) return std::optional<ports::Response>{};
    const auto left = std::chrono::ceil<milliseconds>(deadline - now);
    const auto pause = std::clamp(left, milliseconds(1), milliseconds(250));
    curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(pause.count()), nullptr);
  }
}

std::optional<CURLcode> Link::finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left))
    if (message->msg == CURLMSG_DONE) return message->data.result;
  return std::nullopt;
}

std::uint64_t Link::figure(CURLINFO which) {
  curl_off_t value = 0;
  return curl_easy_getinfo(easy_.get(), which, &value) == CURLE_OK && value > 0 ? static_cast<std::uint64_t>(value) : 0;
}

ports::Response Link::take_answer() {
  ports::Response response;
  long status = 0;
  const char* type = nullptr;
  curl_off_t retry_after = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_TYPE, &type);
  curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &retry_after);
  response.status = static_cast<int>(status);
  if (type) response.content_type = type;
  response.body = std::move(answer_);
  response.retry_after = std::clamp(std::chrono::seconds(retry_after), std::chrono::seconds(0), kLongestRetryAfter);
  return response;
}

Error Link::failure(CURLcode code) {
  if (const std::optional<Error> tls = tls_->failure(options_.certificate_file, wall_clock())) return *tls;
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return later(Code::line_unreachable, "The name of the parent cannot be looked up.");
    case CURLE_COULDNT_CONNECT:
      return connect_failure();
    case CURLE_OPERATION_TIMEDOUT:
      return later(Code::line_unreachable, "The parent does not answer at its address.");
    case CURLE_PEER_FAILED_VERIFICATION:
      return later(Code::tls_refused, "The parent's certificate was made for another name than [parent] url has.");
    case CURLE_SSL_CONNECT_ERROR:
      return later(Code::line_cut, "The connection was closed during the TLS handshake.");
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return later(Code::tls_refused, "The files of this node's card cannot be used; see 'omrsync doctor'.");
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_WRITE_ERROR:
      if (too_large_ || code == CURLE_FILESIZE_EXCEEDED)
        return later(Code::line_foreign_answer, "The answer is larger than any that a parent gives.");
      return later(Code::line_cut, "The answer could not be taken.");
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_HTTP2:
      return later(Code::line_foreign_answer, "What answers at the parent's address does not speak HTTP.");
    default:
      return later(Code::line_cut, "The connection broke before the answer was complete (libcurl error " +
                                       std::to_string(static_cast<int>(code)) + ").");
  }
}

Error Link::connect_failure() {
  long error = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &error);
  if (error == ECONNREFUSED) return later(Code::line_unreachable, "The parent's machine refuses the connection.");
  return later(Code::line_unreachable, "There is no way to the parent's address.");
}

std::size_t Link::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  Link& link = *static_cast<Link*>(self);
  const std::string_view line(data, size * count);
  link.headers_whole_ = line == "\r\n" || line == "\n";
  link.header_bytes_ += size * count;
  link.too_large_ = link.header_bytes_ > kMostHeaderBytes;
  return link.too_large_ ? 0 : size * count;
}

std::size_t Link::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  Link& link = *static_cast<Link*>(self);
  link.too_large_ = size * count > link.options_.most_answer_bytes - link.answer_.size();
  if (link.too_large_) return 0;
  link.answer_.append(data, size * count);
  return size * count;
}

CURLcode Link::on_context(CURL*, void* context, void* self) {
  const Link& link = *static_cast<Link*>(self);
  TlsWatch::attach(static_cast<ssl_ctx_st*>(context), link.tls_);
  if (!link.options_.authority_pin.empty())
    trust_pinned(static_cast<ssl_ctx_st*>(context), link.options_.authority_pin);
  return CURLE_OK;
}

}  // namespace

Result<std::unique_ptr<CurlParentLink>> CurlParentLink::open(LinkOptions options) {
  OMRSYNC_TRY(url, checked_base_url(options));
  options.url = url;
  auto link = std::make_unique<Link>(std::move(options));
  OMRSYNC_CHECK(link->prepare());
  return std::unique_ptr<CurlParentLink>(std::move(link));
}

}  // namespace omrsync::http
