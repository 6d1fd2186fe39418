#include "adapters/stick/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include <array>
#include <memory>

namespace omrsync::stick {
namespace {

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Freed<EVP_CIPHER_CTX_free>>;
using Kdf = std::unique_ptr<EVP_KDF, Freed<EVP_KDF_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, Freed<EVP_KDF_CTX_free>>;

Error failed(const char* what) {
  ERR_clear_error();
  return {Remedy::stop_node, Code::defect, std::string("OpenSSL could not ") + what + "."};
}

Error damaged() { return {Remedy::set_aside, Code::usb_volume_damaged, "Sealed bytes are not what was written."}; }

const unsigned char* raw(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* raw(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

KeyPtr private_key(std::string_view secret) {
  return KeyPtr(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, raw(secret), secret.size()));
}

}  // namespace

Result<std::string> random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(raw(bytes), static_cast<int>(count)) != 1) return failed("get random bytes");
  return bytes;
}

Result<std::string> x25519_public(std::string_view secret) {
  const KeyPtr key = private_key(secret);
  std::string point(kKeyBytes, '\0');
  std::size_t size = point.size();
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), raw(point), &size) != 1) return failed("read a key");
  return point;
}

Result<std::string> x25519(std::string_view secret, std::string_view point) {
  const KeyPtr key = private_key(secret);
  const KeyPtr peer(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, raw(point), point.size()));
  const KeyContext context(key ? EVP_PKEY_CTX_new(key.get(), nullptr) : nullptr);
  std::string shared(kKeyBytes, '\0');
  std::size_t size = shared.size();
  if (!peer || !context || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), peer.get()) != 1 ||
      EVP_PKEY_derive(context.get(), raw(shared), &size) != 1) {
    ERR_clear_error();
    return damaged();
  }
  return shared;
}

Result<std::string> hkdf(std::string_view key, std::string_view salt, std::string_view info) {
  const Kdf kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const KdfContext context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
  std::string digest = "SHA256", ikm(key), salted(salt), told(info);
  const std::array<OSSL_PARAM, 5> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, ikm.data(), ikm.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salted.data(), salted.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, told.data(), told.size()), OSSL_PARAM_construct_end()};
  std::string derived(kKeyBytes, '\0');
  const bool done = context && EVP_KDF_derive(context.get(), raw(derived), derived.size(), parameters.data()) == 1;
  wipe(ikm);
  if (!done) return failed("derive a key");
  return derived;
}

Result<std::string> hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string mac(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), raw(bytes), bytes.size(), raw(mac), &size) ==
      nullptr)
    return failed("authenticate a header");
  mac.resize(size);
  return mac;
}

bool same_bytes(std::string_view one, std::string_view other) noexcept {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

Result<std::string> seal(std::string_view key, std::string_view nonce, std::string_view bytes) {
  const CipherContext context(EVP_CIPHER_CTX_new());
  std::string sealed(bytes.size() + kTagBytes, '\0');
  int size = 0, rest = 0;
  if (!context || EVP_EncryptInit_ex(context.get(), EVP_chacha20_poly1305(), nullptr, raw(key), raw(nonce)) != 1 ||
      EVP_EncryptUpdate(context.get(), raw(sealed), &size, raw(bytes), static_cast<int>(bytes.size())) != 1 ||
      EVP_EncryptFinal_ex(context.get(), raw(sealed) + size, &rest) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, raw(sealed) + bytes.size()) != 1)
    return failed("seal");
  return sealed;
}

Result<std::string> unseal(std::string_view key, std::string_view nonce, std::string_view sealed) {
  if (sealed.size() < kTagBytes) return damaged();
  const CipherContext context(EVP_CIPHER_CTX_new());
  std::string bytes(sealed.size() - kTagBytes, '\0');
  std::string tag(sealed.substr(bytes.size()));
  int size = 0, rest = 0;
  if (!context || EVP_DecryptInit_ex(context.get(), EVP_chacha20_poly1305(), nullptr, raw(key), raw(nonce)) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) != 1)
    return failed("unseal");
  unsigned char none = 0;
  unsigned char* into = bytes.empty() ? &none : raw(bytes);
  if (EVP_DecryptUpdate(context.get(), into, &size, raw(sealed), static_cast<int>(bytes.size())) != 1 ||
      EVP_DecryptFinal_ex(context.get(), into + size, &rest) != 1) {
    ERR_clear_error();
    return damaged();
  }
  return bytes;
}

void wipe(std::string& secret) noexcept { OPENSSL_cleanse(secret.data(), secret.size()); }

}  // namespace omrsync::stick
