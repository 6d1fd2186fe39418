#include "adapters/http/tls_watch.h"

#include <openssl/ssl.h>

#include "adapters/http/certificates.h"
#include "adapters/http/files.h"

namespace omrsync::http {

struct TlsCallbacks {
  static void seen(const SSL* ssl, int where, int value) {
    auto* held = static_cast<std::shared_ptr<TlsWatch>*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), slot()));
    if (!held) return;
    TlsWatch& watch = **held;
    if ((where & SSL_CB_HANDSHAKE_DONE) != 0) watch.established_ = true;
    if ((where & SSL_CB_ALERT) == 0) return;
    const int alert = value & 0xff;
    if (alert == SSL_AD_CLOSE_NOTIFY || alert == SSL_AD_USER_CANCELLED) return;
    if ((where & SSL_CB_READ) != 0) {
      watch.alert_received_ = alert;
    } else {
      watch.alert_sent_ = alert;
      watch.verify_result_ = SSL_get_verify_result(ssl);
    }
  }

  static void forget(void*, void* held, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<std::shared_ptr<TlsWatch>*>(held);
  }

  /// OpenSSL numbers its extra data once a process.
  static int slot() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &TlsCallbacks::forget);
    return index;
  }
};

namespace {

Error later(Code code, std::string message) { return Error{Remedy::retry_later, code, std::move(message)}; }

enum class OwnDates { valid, not_yet, over, unknown };

OwnDates own_dates(const std::filesystem::path& file, std::chrono::sys_seconds now) {
  const Result<std::string> pem = read_file(file);
  if (!pem) return OwnDates::unknown;
  const auto from = certificate_start(*pem);
  const auto until = certificate_expiry(*pem);
  if (!from || !until) return OwnDates::unknown;
  if (now < *from) return OwnDates::not_yet;
  return now < *until ? OwnDates::valid : OwnDates::over;
}

/// The parent sent an alert.
Error refused_by_parent(int alert, OwnDates own) {
  if (own == OwnDates::not_yet)
    return later(Code::clock_off, "This machine's clock is before the start of this node's own certificate.");
  switch (alert) {
    case SSL_AD_CERTIFICATE_EXPIRED:
      if (own == OwnDates::valid)
        return later(
            Code::clock_off,
            "The parent takes this node's certificate for expired, by this machine's clock it is valid: one of "
            "the two clocks is wrong.");
      return later(Code::certificate_expired, "The certificate of this node has expired.");
    case SSL_AD_CERTIFICATE_REVOKED:
      return later(Code::certificate_revoked, "The parent has revoked the certificate of this node.");
    case TLS13_AD_CERTIFICATE_REQUIRED:
    case SSL_AD_HANDSHAKE_FAILURE:
      return later(Code::tls_refused, "The parent wants a certificate that names this node.");
    case SSL_AD_UNKNOWN_CA:
      return later(Code::tls_refused, "The parent does not know the authority that signed this node's certificate.");
    default:
      return later(Code::tls_refused,
                   "The parent refused the TLS handshake: " + std::string(SSL_alert_desc_string_long(alert)) + ".");
  }
}

/// This side sent an alert: the parent's certificate, or what it said, would not do.
Error refused_by_us(long verify_result, OwnDates own) {
  switch (verify_result) {
    case X509_V_OK:
      return later(Code::tls_refused, "What answers at the parent's address does not speak TLS as it should.");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return later(Code::clock_off, "The parent's certificate is not yet valid by this machine's clock.");
    case X509_V_ERR_CERT_HAS_EXPIRED:
      if (own == OwnDates::not_yet)
        return later(Code::clock_off, "The dates of the certificates do not fit this machine's clock.");
      return later(Code::certificate_expired, "The parent's certificate has expired by this machine's clock.");
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return later(Code::tls_refused, "The parent's certificate was made for another name than [parent] url has.");
    case X509_V_ERR_APPLICATION_VERIFICATION:  // by pinned.cpp
      return Error{Remedy::set_aside, Code::authority_mismatch,
                   "What answers is not the parent that the one-time code was made by."};
    default:
      return later(Code::tls_refused, "The parent's certificate cannot be trusted: " +
                                          std::string(X509_verify_cert_error_string(verify_result)) + ".");
  }
}

}  // namespace

void TlsWatch::reset() noexcept {
  alert_received_ = 0;
  alert_sent_ = 0;
  verify_result_ = X509_V_OK;
  established_ = false;
}

void TlsWatch::attach(ssl_ctx_st* context, std::shared_ptr<TlsWatch> watch) {
  auto held = std::make_unique<std::shared_ptr<TlsWatch>>(std::move(watch));
  if (SSL_CTX_set_ex_data(context, TlsCallbacks::slot(), held.get()) != 1) return;
  static_cast<void>(held.release());
  SSL_CTX_set_info_callback(context, &TlsCallbacks::seen);
}

std::optional<Error> TlsWatch::failure(const std::filesystem::path& certificate_file,
                                       std::chrono::sys_seconds now) const {
  if (alert_received_ != 0) return refused_by_parent(alert_received_, own_dates(certificate_file, now));
  if (alert_sent_ != 0) return refused_by_us(verify_result_, own_dates(certificate_file, now));
  return std::nullopt;
}

}  // namespace omrsync::http
