#include "adapters/http/listener.h"

#include <openssl/ssl.h>
#include <pthread.h>

#include <algorithm>
#include <vector>

#include "adapters/http/address.h"
#include "adapters/http/listener_session.h"

namespace omrsync::http {
namespace {

constexpr std::chrono::milliseconds kPauseAfterAcceptError{200};
constexpr std::size_t kForgetClosedEvery = 64;

Error unusable(const std::string& what, const ErrorCode& error) {
  return Error{Remedy::stop_node, Code::config_invalid, what + ": " + error.message() + "."};
}

bool set_protocol(SSL_CTX* context) {
  static constexpr unsigned char kSessionContext[] = "omrsync";
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
         SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1) == 1;
}

Result<std::shared_ptr<ssl::context>> tls_context(const ListenerIdentity& identity, bool everybody_has_a_certificate) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  ErrorCode error;
  context->add_certificate_authority(net::buffer(identity.ca_pem), error);
  if (error) return unusable("The authority's certificate cannot be used", error);
  // With the authority's own: who enrols knows it only by its fingerprint, and must see it.
  const std::string chain = identity.certificate_pem + identity.ca_pem;
  context->use_certificate_chain(net::buffer(chain), error);
  if (error) return unusable("The listener's certificate cannot be used", error);
  context->use_private_key(net::buffer(identity.key_pem), ssl::context::pem, error);
  if (error) return unusable("The listener's key does not fit its certificate", error);
  context->set_verify_mode(
      ssl::verify_peer | (everybody_has_a_certificate ? ssl::verify_fail_if_no_peer_cert : ssl::verify_peer), error);
  if (error || !set_protocol(context->native_handle()))
    return Error{Remedy::stop_node, Code::defect, "OpenSSL refuses the listener's settings."};
  return context;
}

class BeastListener final : public Listener {
 public:
  BeastListener(const ListenerOptions& options, Handler handler)
      : shared_(std::make_shared<ListenerShared>(options, std::move(handler))),
        acceptor_(net::make_strand(io_)),
        pause_(acceptor_.get_executor()) {}
  ~BeastListener() override { stop(); }
  BeastListener(const BeastListener&) = delete;
  BeastListener& operator=(const BeastListener&) = delete;

  Status open(const std::string& address);
  Status run();
  std::uint16_t port() const override { return port_; }
  Status set_certificates(const ListenerIdentity& identity) override;
  ListenerCounts counts() const override;
  void stop() override;

 private:
  void accept();
  void on_accepted(const ErrorCode& error, Tcp::socket socket);
  void serve(Tcp::socket socket);
  void remember(const std::shared_ptr<Session>& session);
  template <typename Act>
  void each_session(Act act);
  void serve_network();

  std::shared_ptr<ListenerShared> shared_;
  net::io_context io_;
  net::executor_work_guard<net::io_context::executor_type> work_{io_.get_executor()};  // while only handlers run
  Tcp::acceptor acceptor_;
  net::steady_timer pause_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::shared_ptr<ssl::context> context_;
  std::vector<std::weak_ptr<Session>> sessions_;
  std::vector<std::thread> threads_;
  std::once_flag stopped_;
};

Status BeastListener::open(const std::string& address) {
  OMRSYNC_TRY(where, parse_address(address));
  ErrorCode error;
  Tcp::resolver resolver(io_);
  const auto found = resolver.resolve(where.host, std::to_string(where.port), Tcp::resolver::passive, error);
  if (error || found.empty()) return unusable("[listen] address " + address, error);
  const Tcp::endpoint endpoint = found.begin()->endpoint();
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(net::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(net::socket_base::max_listen_connections, error);
  if (error) return unusable("[listen] address " + address, error);
  port_ = acceptor_.local_endpoint(error).port();
  return Done{};
}

/// The first failure to start a thread ends all: a listener is whole or not there.
Status BeastListener::run() {
  accept();
  try {
    for (std::size_t i = 0; i < std::max<std::size_t>(1, shared_->limits.io_threads); ++i)
      threads_.emplace_back([this] { serve_network(); });
  } catch (const std::system_error&) {
    return Error{Remedy::stop_node, Code::defect, "The system refuses threads for the listener."};
  }
  return Done{};
}

/// What a completion throws (no memory) ends its connection, not the thread.
void BeastListener::serve_network() {
  pthread_setname_np(pthread_self(), "http-io");
  while (true) {
    try {
      io_.run();
      return;
    } catch (const std::exception&) {
      continue;
    }
  }
}

void BeastListener::accept() {
  acceptor_.async_accept(net::make_strand(io_),
                         [this](const ErrorCode& error, Tcp::socket socket) { on_accepted(error, std::move(socket)); });
}

void BeastListener::on_accepted(const ErrorCode& error, Tcp::socket socket) {
  if (shared_->stopping || error == net::error::operation_aborted) return;
  if (!error) {
    serve(std::move(socket));
    return accept();
  }
  // Out of descriptors: the pending connection stays, so trying again at once would spin.
  pause_.expires_after(kPauseAfterAcceptError);
  pause_.async_wait([this](const ErrorCode& cancelled) {
    if (!cancelled && !shared_->stopping) accept();
  });
}

void BeastListener::serve(Tcp::socket socket) {
  ++shared_->accepted;
  Place place = shared_->enter_unauthenticated();
  if (!place) {
    ++shared_->turned_away;
    return;
  }
  ErrorCode ignored;
  socket.set_option(Tcp::no_delay(true), ignored);
  std::shared_ptr<ssl::context> context;
  {
    const std::scoped_lock lock(mutex_);
    context = context_;
  }
  auto session = std::make_shared<Session>(std::move(socket), std::move(context), shared_);
  remember(session);
  session->start(std::move(place));
}

void BeastListener::remember(const std::shared_ptr<Session>& session) {
  const std::scoped_lock lock(mutex_);
  if (sessions_.size() % kForgetClosedEvery == 0)
    sessions_.erase(std::remove_if(sessions_.begin(), sessions_.end(), [](const auto& s) { return s.expired(); }),
                    sessions_.end());
  sessions_.push_back(session);
}

template <typename Act>
void BeastListener::each_session(Act act) {
  std::vector<std::weak_ptr<Session>> sessions;
  {
    const std::scoped_lock lock(mutex_);
    sessions = sessions_;
  }
  for (const auto& known : sessions)
    if (const auto session = known.lock()) act(*session);
}

Status BeastListener::set_certificates(const ListenerIdentity& identity) {
  OMRSYNC_TRY(context, tls_context(identity, shared_->enrol_path.empty()));
  const std::scoped_lock lock(mutex_);
  context_ = std::move(context);
  return Done{};
}

ListenerCounts BeastListener::counts() const {
  return {shared_->accepted, shared_->open(),  shared_->handshakes_failed,
          shared_->handled,  shared_->refused, shared_->turned_away};
}

void BeastListener::stop() {
  std::call_once(stopped_, [this] {
    shared_->stopping = true;
    net::post(acceptor_.get_executor(), [this] {
      ErrorCode ignored;
      acceptor_.close(ignored);
      pause_.cancel();
    });
    each_session([](Session& session) { session.stop(); });
    if (!shared_->wait_until_closed(shared_->limits.stop)) each_session([](Session& session) { session.cut(); });
    shared_->pool.stop();
    io_.stop();
    for (std::thread& thread : threads_) thread.join();
  });
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::start(ListenerOptions options, Handler handler) {
  auto listener = std::make_unique<BeastListener>(options, std::move(handler));
  OMRSYNC_CHECK(listener->set_certificates(options.identity));
  OMRSYNC_CHECK(listener->open(options.address));
  OMRSYNC_CHECK(listener->run());
  return std::unique_ptr<Listener>(std::move(listener));
}

}  // namespace omrsync::http
