#pragma once
// One connection of the listener, from handshake to close. Everything runs on the connection's strand; only the handler
// is called elsewhere.

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "adapters/http/beast.h"
#include "adapters/http/listener_rules.h"
#include "adapters/http/listener_shared.h"
#include "adapters/http/openssl.h"

namespace omrsync::http {

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, std::shared_ptr<ssl::context> context, std::shared_ptr<ListenerShared> shared)
      : shared_(std::move(shared)),
        context_(std::move(context)),
        open_(shared_->enter_open()),
        stream_(std::move(socket), *context_),
        deadline_(stream_.get_executor()) {}

  /// `place`: among those without a finished handshake.
  void start(Place place) {
    unauthenticated_ = std::move(place);
    net::post(stream_.get_executor(), [self = shared_from_this()] { self->handshake(); });
  }

  /// Closes the connection unless an answer is being made or sent. From any thread.
  void stop() {
    net::post(stream_.get_executor(), [self = shared_from_this()] {
      if (self->stage_ != Stage::answering) self->close();
    });
  }

  /// Closes the connection at once. From any thread.
  void cut() {
    net::post(stream_.get_executor(), [self = shared_from_this()] { self->close(); });
  }

 private:
  enum class Stage { asking, answering, leaving };
  using Parser = beast::http::request_parser<beast::http::string_body>;
  using Answer = beast::http::response<beast::http::string_body>;

  static constexpr std::size_t kReadBytes = 64 * 1024;  // smaller reads cost three times the processor time
  static constexpr std::size_t kIdleReadBytes = 512;    // what an idle connection keeps in memory
  static constexpr std::size_t kDrainBytes = 32 * 1024 * 1024;

  beast::tcp_stream& tcp() { return stream_.next_layer(); }
  const ListenerLimits& limits() const { return shared_->limits; }

  template <typename Method, typename... Bound>
  auto then(Method method) {
    return [self = shared_from_this(), method](auto... results) { (self.get()->*method)(results...); };
  }

  /// One thing is waited for at a time, and for only so long; the next deadline replaces this one.
  void set_deadline(std::chrono::milliseconds time, void (Session::*missed)() = &Session::close) {
    deadline_.expires_after(time);
    deadline_.async_wait([self = shared_from_this(), missed, number = ++deadline_number_](ErrorCode error) {
      if (!error && number == self->deadline_number_) (self.get()->*missed)();
    });
  }

  void clear_deadline() {
    ++deadline_number_;
    deadline_.cancel();
  }

  void handshake() {
    ErrorCode ignored;
    const auto peer = tcp().socket().remote_endpoint(ignored);
    if (!ignored) address_ = peer.address().to_string();
    stream_.set_verify_callback([this](bool sound, ssl::verify_context& context) { return verify(sound, context); },
                                ignored);
    if (ignored) return close();
    set_deadline(limits().handshake);
    stream_.async_handshake(ssl::stream_base::server, then(&Session::on_handshake));
  }

  bool verify(bool sound, ssl::verify_context& context) {
    refused_ = refuse_certificate(sound, context.native_handle());
    return !refused_;
  }

  void on_handshake(ErrorCode error) {
    if (refused_) turn_away(*refused_);
    if (error || !identify()) {
      ++shared_->handshakes_failed;
      return leave_after_answer();  // the alert must reach the caller
    }
    if (nameless()) return read_head();
    node_place_ = shared_->enter_node(node_);
    if (node_place_) unauthenticated_.leave();
    read_head();
  }

  void turn_away(TurnedAway caller) {
    caller.address = address_;
    shared_->tell_turned_away(std::move(caller));
  }

  bool identify() {
    certificate_.reset(SSL_get1_peer_certificate(stream_.native_handle()));
    if (!certificate_) return !shared_->enrol_path.empty();
    std::optional<std::string> node = certificate_ ? node_of(*certificate_) : std::nullopt;
    if (!node) return false;
    node_ = *std::move(node);
    fingerprint_ = fingerprint_of(*certificate_);
    return !fingerprint_.empty();
  }

  /// Shook hands without a certificate.
  bool nameless() const { return !certificate_; }

  /// A connection can outlive the certificate that opened it.
  bool has_expired() const { return certificate_ && X509_cmp_current_time(X509_get0_notAfter(certificate_.get())) < 0; }

  void await_request() {
    stage_ = Stage::asking;
    if (shared_->stopping) return close();
    if (buffer_.size() > 0) return read_head();
    set_deadline(limits().idle);
    watch();
  }

  /// Waits with a small buffer for the next request, also while an answer is being made: so a caller who hangs up is
  /// noticed at once and its place is free for the connection that it makes next.
  void watch() {
    if (watching_) return;
    watching_ = true;
    buffer_ = beast::flat_buffer(kReadBytes);
    stream_.async_read_some(buffer_.prepare(kIdleReadBytes), then(&Session::on_watched));
  }

  void on_watched(ErrorCode error, std::size_t bytes) {
    watching_ = false;
    if (error) {
      node_place_.leave();
      return close();
    }
    buffer_.commit(bytes);
    if (stage_ == Stage::asking) read_head();
  }

  void read_head() {
    stage_ = Stage::asking;
    buffer_.reserve(kReadBytes);
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(limits().header_bytes));
    parser_->body_limit(nameless() ? limits().enrol_bytes : limits().body_bytes);
    parser_->eager(false);  // the head alone first
    parsed_bytes_ = 0;
    set_deadline(limits().headers);
    parse_head();
  }

  /// Takes apart what has come. Beast's own reading would go on for as long as lines come, however many.
  ErrorCode parse() {
    ErrorCode error;
    while (buffer_.size() > 0 && !error) {
      const std::size_t used = parser_->put(buffer_.data(), error);
      buffer_.consume(used);
      parsed_bytes_ += used;
      if (used == 0 || parser_->is_done() || (parser_->is_header_done() && !parser_->eager())) break;
    }
    return error == beast::http::error::need_more ? ErrorCode{} : error;
  }

  template <typename Method>
  void read_more(Method method) {
    stream_.async_read_some(buffer_.prepare(kReadBytes - buffer_.size()), then(method));
  }

  void parse_head() {
    const ErrorCode error = parse();
    const bool whole = parser_->is_header_done();
    if (parsed_bytes_ + (whole ? 0 : buffer_.size()) > limits().header_bytes)
      return refuse({431, "The headers are too large."});
    if (error) return refuse_or_close(refuse_parse(error));
    if (!whole) return read_more(&Session::on_more_of_head);
    parser_->eager(true);
    parsed_bytes_ = 0;
    on_head();
  }

  void on_more_of_head(ErrorCode error, std::size_t bytes) {
    if (error) return close();
    buffer_.commit(bytes);
    parse_head();
  }

  void on_head() {
    if (has_expired()) return close();  // the next handshake says why
    if (const auto refusal = refuse_head(parser_->get())) return refuse(*refusal);
    if (nameless()) {
      if (parser_->get().method() != beast::http::verb::post || text(parser_->get().target()) != shared_->enrol_path)
        return turn_away({Code::tls_refused, {}, {}}), refuse({401, "A certificate is wanted."});
    } else if (!node_place_) {
      return refuse({503, "Too many connections of this node."});
    }
    if (shared_->stopping) return refuse({503, "This node is stopping."});
    const std::size_t announced = parser_->content_length() ? static_cast<std::size_t>(*parser_->content_length())
                                  : parser_->chunked()      ? limits().body_bytes
                                                            : 0;
    body_place_ = shared_->enter_body(announced);
    if (!body_place_) return refuse({503, "Too much is under way."});
    if (parser_->is_done()) return hand_over();
    if (parser_->get().count(beast::http::field::expect) > 0) return send_continue();
    start_body();
  }

  void send_continue() {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    net::async_write(stream_, net::buffer(kContinue.data(), kContinue.size()), then(&Session::on_continued));
  }

  void on_continued(ErrorCode error, std::size_t) {
    if (error) return close();
    start_body();
  }

  /// The deadline interrupts the read instead of closing: the caller is told 408.
  void start_body() {
    restart_stall();
    parse_body();
  }

  void restart_stall() {
    window_bytes_ = parser_->get().body().size();
    stalled_ = false;
    set_deadline(limits().stall, &Session::interrupt);
  }

  void interrupt() {
    stalled_ = true;
    tcp().cancel();
  }

  void parse_body() {
    const ErrorCode error = parse();
    if (error) return refuse_or_close(refuse_parse(error));
    if (parser_->is_done()) return hand_over();
    if (parsed_bytes_ > limits().body_bytes + limits().header_bytes)  // by its framing, or by trailers
      return refuse({413, "The body is too large."});
    if (buffer_.size() == kReadBytes) return refuse({400, "This is not an HTTP/1.1 request."});
    if (parser_->get().body().size() - window_bytes_ >= limits().stall_bytes) restart_stall();
    read_more(&Session::on_more_of_body);
  }

  void on_more_of_body(ErrorCode error, std::size_t bytes) {
    if (stalled_) return refuse({408, "The body came too slowly."});
    if (error) return close();
    buffer_.commit(bytes);
    parse_body();
  }

  void hand_over() {
    clear_deadline();
    stage_ = Stage::answering;
    auto& message = parser_->get();
    keep_ = message.keep_alive() && message.version() == 11 && !nameless();
    auto request = std::make_shared<ports::IncomingRequest>(
        ports::IncomingRequest{std::string(message.target().data(), message.target().size()), std::move(message.body()),
                               node_, fingerprint_, address_});
    parser_.reset();
    const bool taken = shared_->pool.submit([self = shared_from_this(), request = std::move(request)] {
      if (self->shared_->stopping) return self->answer_from_worker(refusal_answer({503, "This node is stopping."}));
      ++self->shared_->handled;
      ports::Response response = self->shared_->answer(*request);
      self->answer_from_worker(std::move(response));
    });
    if (!taken) return refuse({503, "Too many requests are waiting."});
    if (buffer_.size() == 0) watch();
  }

  void answer_from_worker(ports::Response response) {
    net::post(stream_.get_executor(), [self = shared_from_this(), response = std::move(response)]() mutable {
      self->answer(std::move(response));
    });
  }

  static ports::Response refusal_answer(const Refusal& refusal) {
    return ports::Response{refusal.status, "text/plain; charset=utf-8", std::string(refusal.reason) + "\n", {}};
  }

  void refuse_or_close(const std::optional<Refusal>& refusal) { refusal ? refuse(*refusal) : close(); }

  /// After a refusal the two sides may not agree where the next request begins, so it is the last answer.
  void refuse(const Refusal& refusal) {
    ++shared_->refused;
    keep_ = false;
    ports::Response response = refusal_answer(refusal);
    if (refusal.status == 503) response.retry_after = limits().retry_after;
    answer(std::move(response));
  }

  void answer(ports::Response response) {
    if (!tcp().socket().is_open()) return;
    stage_ = Stage::answering;
    keep_ = keep_ && !shared_->stopping;
    using beast::http::field;
    answer_.emplace(static_cast<beast::http::status>(response.status), 11);
    answer_->set(field::server, "omrsync");
    answer_->set(field::cache_control, "no-store");
    if (!response.content_type.empty()) answer_->set(field::content_type, response.content_type);
    if (response.retry_after.count() > 0)
      answer_->set(field::retry_after, std::to_string(response.retry_after.count()));
    if (response.status == 405) answer_->set(field::allow, "GET, POST");
    answer_->keep_alive(keep_);
    answer_->body() = std::move(response.body);
    answer_->prepare_payload();
    serializer_.emplace(*answer_);
    write_some();
  }

  void write_some() {
    set_deadline(limits().stall);
    beast::http::async_write_some(stream_, *serializer_, then(&Session::on_written));
  }

  void on_written(ErrorCode error, std::size_t) {
    if (error) return close();
    if (!serializer_->is_done()) return write_some();
    serializer_.reset();
    answer_.reset();
    body_place_.leave();
    if (!keep_) return leave_after_answer();
    await_request();
  }

  /// Says good-bye, then reads what still comes in and throws it away for a while: closing with unread bytes would make
  /// the system reset the connection, and the caller would lose the answer.
  void leave_after_answer() {
    stage_ = Stage::leaving;
    set_deadline(limits().linger);
    if (SSL_is_init_finished(stream_.native_handle()) == 1) return stream_.async_shutdown(then(&Session::on_good_bye));
    on_good_bye({});
  }

  void on_good_bye(ErrorCode) {
    ErrorCode ignored;
    tcp().socket().shutdown(Tcp::socket::shutdown_send, ignored);
    if (watching_) return;  // its read sees the end too
    buffer_ = beast::flat_buffer(kReadBytes);
    drain();
  }

  void drain() { tcp().async_read_some(buffer_.prepare(kReadBytes), then(&Session::on_drained)); }

  void on_drained(ErrorCode error, std::size_t bytes) {
    drained_ += bytes;
    if (error || drained_ > kDrainBytes || shared_->stopping) return close();
    drain();
  }

  void close() {
    stage_ = Stage::leaving;
    clear_deadline();
    tcp().close();
  }

  std::shared_ptr<ListenerShared> shared_;
  std::shared_ptr<ssl::context> context_;
  Place open_;
  Place unauthenticated_;
  Place node_place_;
  Place body_place_;
  beast::ssl_stream<beast::tcp_stream> stream_;
  net::steady_timer deadline_;
  beast::flat_buffer buffer_{kReadBytes};
  std::optional<Parser> parser_;
  std::optional<Answer> answer_;
  std::optional<beast::http::response_serializer<beast::http::string_body>> serializer_;
  CertificatePtr certificate_;
  std::string node_;
  std::string fingerprint_;
  std::string address_;
  std::optional<TurnedAway> refused_;
  Stage stage_ = Stage::asking;
  std::size_t parsed_bytes_ = 0;  // of the head, then of the body with its framing
  std::size_t window_bytes_ = 0;
  std::size_t drained_ = 0;
  unsigned deadline_number_ = 0;
  bool watching_ = false;
  bool stalled_ = false;
  bool keep_ = false;
};

}  // namespace omrsync::http
