#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "adapters/http/certificates.h"
#include "adapters/ports/store.h"
#include "node/admin/enrolments.h"
#include "node/app/cards.h"
#include "node/app/config.h"
#include "node/app/enrol_papers.h"
#include "protocol/result.h"

/// How a parent gives certificates to its children.
namespace omrsync::app {

/// From this moment on.
[[nodiscard]] http::Validity from_now(std::chrono::seconds length);

/// Adds a child at this node, makes its key and certificate and writes its card, a secret file. `usage` as
/// check_new_child.
[[nodiscard]] Result<Card> make_child(const Config& config, ports::Store& store, const std::string& name,
                                      const std::string& catchment, const std::filesystem::path& card_file);

/// Where children call this node.
[[nodiscard]] std::string url_for_children(const Config& config);

/// A one-time code as it is told to people, once.
struct NewCode {
  node::ChildRecord child;
  std::string code;
  std::int64_t expires_ms = 0;
};

/// Adds a child that comes with a code. `usage` as check_new_child.
[[nodiscard]] Result<NewCode> invite(const Config& config, ports::Store& store, const std::string& name,
                                     const std::string& catchment);

/// Another code for a child that is there. `not_found`; `usage` when it was revoked.
[[nodiscard]] Result<NewCode> token(const Config& config, ports::Store& store, const std::string& name, bool dry_run);

/// This node's authority at work.
class Issuer {
 public:
  /// `usage` when the node has no children to be.
  [[nodiscard]] static Result<Issuer> open(const Config& config);

  /// A certificate for the key of a request; nothing is written.
  [[nodiscard]] Result<admin::GivenCertificate> sign(const Uuid& node, const std::string& request_pem) const;

  /// What a child is told with its certificate.
  [[nodiscard]] Result<EnrolAnswer> answer(ports::StoreTransaction& tx, const node::ChildRecord& child,
                                           const std::string& certificate_pem) const;

  [[nodiscard]] const std::string& authority_pem() const noexcept { return authority_.certificate_pem(); }

 private:
  Issuer(const Config& config, http::CertificateAuthority authority)
      : config_(config), authority_(std::move(authority)) {}

  const Config& config_;
  http::CertificateAuthority authority_;
};

struct SignedRequest {
  node::ChildRecord child;
  std::string key;        ///< SHA-256 of the public key that was signed, hex
  std::string authority;  ///< SHA-256 of the authority's certificate, hex
};

/// Answers a request that came as a file: for a child of that name, which is added where there is none; the certificate
/// that it may have had is good no more. `enrol_request_unsound`, enrol_name_mismatch, and `usage` as check_new_child.
[[nodiscard]] Result<SignedRequest> sign_request_file(const Config& config, ports::Store& store,
                                                      const std::filesystem::path& request_file,
                                                      const std::filesystem::path& answer_file,
                                                      const std::string& expected_name, const std::string& catchment);

}  // namespace omrsync::app
