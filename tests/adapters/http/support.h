#pragma once
// What the HTTP tests share: a throw-away authority with cards, a TLS client and a TLS server that say just what a test
// tells them to. Reads give up after ten seconds, so that a listener without deadlines fails a test instead of hanging.

#include <netinet/in.h>
#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "adapters/http/certificates.h"
#include "adapters/http/link_options.h"
#include "adapters/http/listener.h"

namespace omrsync::http::test {

inline constexpr const char* kKitale = "0b7f6a52-5c1e-4f7a-9d3b-0a1b2c3d4e5f";
inline constexpr const char* kKisumu = "9c2d1e30-77aa-4b6c-8e5f-f0e1d2c3b4a5";

std::chrono::sys_seconds now();
Validity valid_from(std::chrono::sys_seconds from, std::chrono::days length = std::chrono::days(365));

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The files of one node.
struct Card {
  std::filesystem::path ca;
  std::filesystem::path certificate;
  std::filesystem::path key;
  std::string certificate_pem;
};

class Pki {
 public:
  Pki();
  [[nodiscard]] const CertificateAuthority& authority() const { return authority_; }
  ListenerIdentity server(Validity validity = valid_from(now()), const std::vector<std::string>& hosts = {"localhost"});
  Card card(const std::string& node = kKitale, Validity validity = valid_from(now()));
  /// A card whose certificate is signed by the authority, for clients, but names no node.
  Card nameless_card();
  Card write(const KeyAndCertificate& pair);
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  TempFolder folder_;
  CertificateAuthority authority_;
  int cards_ = 0;
};

/// One TLS connection, of either side.
class Wire {
 public:
  Wire(int socket, SSL* ssl) : socket_(socket), ssl_(ssl) {}
  ~Wire() { close(); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  bool say(std::string_view bytes);
  /// Everything until the other side ends the connection (or ten seconds have passed).
  std::string hear_all();
  /// Everything until `end` has been seen, or as `hear_all`.
  std::string hear_until(std::string_view end);
  /// One HTTP message with Content-Length.
  std::string hear_message();
  /// The other side ended the connection, rather than the ten seconds.
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] std::string peer_fingerprint() const;
  void close();

 private:
  bool hear_some();

  int socket_;
  SSL* ssl_;
  std::string heard_;
  bool ended_ = false;
};

/// A connected TCP socket to loopback; -1 if there is none. The caller closes it.
sockaddr_in loopback(std::uint16_t port);

int connect_tcp(std::uint16_t port);

struct Dial {
  const Card* card = nullptr;  ///< none: a client without a certificate
  std::filesystem::path ca;
  int newest = TLS1_3_VERSION;
};

/// Connects and shakes hands. A null pointer: refused at once (with TLS 1.3 the refusal may come with the first read).
std::unique_ptr<Wire> dial(std::uint16_t port, const Dial& how);

/// Accepts TLS connections one after the other and lets each be served by `serve`; the connection closes afterwards.
class ScriptedServer {
 public:
  using Serve = std::function<void(Wire& wire, int number)>;
  ScriptedServer(const ListenerIdentity& identity, Serve serve);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] int served() const { return served_; }

 private:
  void run();

  SSL_CTX* context_;
  Serve serve_;
  int socket_;
  std::uint16_t port_ = 0;
  std::atomic<int> served_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

std::size_t open_descriptors();

/// Waits until `true_now` holds; false after ten seconds.
bool eventually(const std::function<bool()>& true_now);

}  // namespace omrsync::http::test
