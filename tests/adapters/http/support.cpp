#include "tests/adapters/http/support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "adapters/http/files.h"
#include "adapters/http/openssl.h"
#include "adapters/http/sigpipe.h"

namespace omrsync::http::test {
namespace {

constexpr timeval kPatience{10, 0};

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

void must(Status status) {
  if (!status) throw std::runtime_error(status.error().message);
}

void limit_waiting(int socket) {
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
}

void use_pair(SSL_CTX* context, const std::string& certificate_pem, const std::string& key_pem) {
  const BioPtr certificate_bio(BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())));
  const CertificatePtr certificate(PEM_read_bio_X509(certificate_bio.get(), nullptr, nullptr, nullptr));
  const BioPtr key_bio(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  const KeyPtr key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  SSL_CTX_use_certificate(context, certificate.get());
  SSL_CTX_use_PrivateKey(context, key.get());
}

}  // namespace

std::chrono::sys_seconds now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

Validity valid_from(std::chrono::sys_seconds from, std::chrono::days length) { return Validity{from, length}; }

TempFolder::TempFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "omrsync-http-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Pki::Pki()
    : authority_(must(CertificateAuthority::create(
          folder_.path(), "hq", valid_from(now() - std::chrono::days(3650), std::chrono::days(7300))))) {}

ListenerIdentity Pki::server(Validity validity, const std::vector<std::string>& hosts) {
  KeyAndCertificate pair = must(authority_.issue_server(hosts, validity));
  return {authority_.certificate_pem(), std::move(pair.certificate_pem), std::move(pair.key_pem)};
}

Card Pki::card(const std::string& node, Validity validity) {
  return write(must(authority_.issue_client(node, validity)));
}

Card Pki::write(const KeyAndCertificate& pair) {
  const std::filesystem::path base = folder_.path() / ("card-" + std::to_string(++cards_));
  const Card card{folder_.path() / "ca.crt", base.string() + ".crt", base.string() + ".key", pair.certificate_pem};
  must(write_public_file(card.certificate, pair.certificate_pem));
  must(write_secret_file(card.key, pair.key_pem));
  return card;
}

Card Pki::nameless_card() {
  KeyAndCertificate pair = must(authority_.issue_client(kKitale, valid_from(now())));
  const std::string ca_key_pem = must(read_secret_file(folder_.path() / "ca.key"));
  const BioPtr key_bio(BIO_new_mem_buf(ca_key_pem.data(), static_cast<int>(ca_key_pem.size())));
  const KeyPtr ca_key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  const BioPtr bio(BIO_new_mem_buf(pair.certificate_pem.data(), static_cast<int>(pair.certificate_pem.size())));
  const CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  const int where = X509_get_ext_by_NID(certificate.get(), NID_subject_alt_name, -1);
  const ExtensionPtr removed(X509_delete_ext(certificate.get(), where));
  X509_sign(certificate.get(), ca_key.get(), EVP_sha256());
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  pair.certificate_pem.assign(data, static_cast<std::size_t>(size));
  return write(pair);
}

bool Wire::say(std::string_view bytes) {
  const SigpipeGuard guard;
  while (!bytes.empty()) {
    const int put = SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20)));
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

bool Wire::hear_some() {
  const SigpipeGuard guard;
  char part[16384];
  const int got = SSL_read(ssl_, part, sizeof part);
  if (got > 0) {
    heard_.append(part, static_cast<std::size_t>(got));
    return true;
  }
  ended_ = errno != EAGAIN || SSL_get_error(ssl_, got) != SSL_ERROR_SYSCALL;
  return false;
}

std::string Wire::hear_all() {
  errno = 0;
  while (hear_some()) errno = 0;
  return std::exchange(heard_, {});
}

std::string Wire::hear_until(std::string_view end) {
  errno = 0;
  std::size_t at = 0;
  while ((at = heard_.find(end)) == std::string::npos)
    if (!hear_some()) return std::exchange(heard_, {});
  std::string text = heard_.substr(0, at + end.size());
  heard_.erase(0, at + end.size());
  return text;
}

std::string Wire::hear_message() {
  std::string message = hear_until("\r\n\r\n");
  const std::size_t at = message.find("Content-Length:");
  if (at == std::string::npos) return message;
  const std::size_t length = std::strtoul(message.c_str() + at + 15, nullptr, 10);
  while (heard_.size() < length)
    if (!hear_some()) break;
  message += heard_.substr(0, length);
  heard_.erase(0, length);
  return message;
}

std::string Wire::peer_fingerprint() const {
  const CertificatePtr certificate(SSL_get1_peer_certificate(ssl_));
  return certificate ? fingerprint_of(*certificate) : std::string{};
}

void Wire::close() {
  if (!ssl_) return;
  SSL_free(ssl_);
  ::close(socket_);
  ssl_ = nullptr;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int connect_tcp(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  limit_waiting(socket);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
  ::close(socket);
  return -1;
}

std::unique_ptr<Wire> dial(std::uint16_t port, const Dial& how) {
  const SigpipeGuard guard;
  const std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>> context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_max_proto_version(context.get(), how.newest);
  if (how.newest < TLS1_2_VERSION) {
    SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    SSL_CTX_set_cipher_list(context.get(), "DEFAULT:@SECLEVEL=0");
  }
  SSL_CTX_load_verify_file(context.get(), how.ca.c_str());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (how.card) {
    SSL_CTX_use_certificate_file(context.get(), how.card->certificate.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(context.get(), how.card->key.c_str(), SSL_FILETYPE_PEM);
  }
  const int socket = connect_tcp(port);
  SSL* ssl = SSL_new(context.get());
  auto wire = std::make_unique<Wire>(socket, ssl);
  SSL_set_fd(ssl, socket);
  if (socket < 0 || SSL_connect(ssl) != 1) return nullptr;
  return wire;
}

ScriptedServer::ScriptedServer(const ListenerIdentity& identity, Serve serve)
    : context_(SSL_CTX_new(TLS_server_method())), serve_(std::move(serve)) {
  use_pair(context_, identity.certificate_pem, identity.key_pem);
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(socket_, 16) != 0 ||
      ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no listening socket");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

ScriptedServer::~ScriptedServer() {
  stopping_ = true;
  const int wake = connect_tcp(port_);
  if (wake >= 0) ::close(wake);
  thread_.join();
  ::close(socket_);
  SSL_CTX_free(context_);
}

void ScriptedServer::run() {
  const SigpipeGuard guard;
  while (true) {
    const int socket = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    limit_waiting(socket);
    SSL* ssl = SSL_new(context_);
    Wire wire(socket, ssl);
    if (stopping_) return;
    SSL_set_fd(ssl, socket);
    const int number = ++served_;
    if (SSL_accept(ssl) == 1) serve_(wire, number);
  }
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

bool eventually(const std::function<bool()>& true_now) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!true_now()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace omrsync::http::test
