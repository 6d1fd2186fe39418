#include "adapters/stick/age.h"

#include <algorithm>
#include <array>
#include <optional>

#include "adapters/stick/bech32.h"
#include "adapters/stick/crypto.h"

namespace omrsync::stick {
namespace {

constexpr std::string_view kVersion = "age-encryption.org/v1\n";
constexpr std::string_view kWrapInfo = "age-encryption.org/v1/X25519";
constexpr std::string_view kStanza = "-> ";
constexpr std::string_view kMine = "X25519 ";
constexpr std::string_view kEnd = "---";
constexpr std::size_t kChunkBytes = 64 * 1024;
constexpr std::size_t kSealedBytes = kChunkBytes + kTagBytes;
constexpr std::size_t kFileKeyBytes = 16;
constexpr std::size_t kNonceBytes = 16;
constexpr std::size_t kBodyColumns = 64;
constexpr std::size_t kHeaderMost = 64 * 1024;
constexpr const char* kRecipientPrefix = "age";
constexpr const char* kSecretPrefix = "age-secret-key-";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Error damaged(const char* what) { return {Remedy::set_aside, Code::usb_volume_damaged, what}; }
Error unusable(const char* what) { return {Remedy::stop_node, Code::config_invalid, what}; }

std::string to_base64(std::string_view bytes) {
  std::string text;
  std::uint32_t bits = 0, count = 0;
  for (const char c : bytes) {
    bits = bits << 8U | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) text += kBase64[bits >> (count - 6) & 63U];
  }
  if (count > 0) text += kBase64[bits << (6 - count) & 63U];
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes;
  std::uint32_t bits = 0, count = 0;
  for (const char c : text) {
    const std::size_t value = kBase64.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) bytes += static_cast<char>(bits >> (count -= 8));
  }
  if (count >= 6 || (bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return bytes;
}

/// STREAM: eleven bytes that count, and one that marks the last chunk.
std::string chunk_nonce(std::uint64_t number, bool last) {
  std::string nonce(12, '\0');
  for (std::size_t i = 0; i < 8; ++i) nonce[10 - i] = static_cast<char>(number >> (8 * i));
  nonce[11] = last ? '\1' : '\0';
  return nonce;
}

const std::string kZeroNonce(12, '\0');

Result<std::string> wrapping_key(std::string_view shared, std::string_view share, std::string_view recipient) {
  return hkdf(shared, std::string(share) + std::string(recipient), kWrapInfo);
}

Result<std::string> stanza_for(std::string_view recipient, std::string_view file_key) {
  OMRSYNC_TRY(ephemeral, random_bytes(kKeyBytes));
  OMRSYNC_TRY(share, x25519_public(ephemeral));
  OMRSYNC_TRY(shared, x25519(ephemeral, recipient));
  OMRSYNC_TRY(wrap, wrapping_key(shared, share, recipient));
  OMRSYNC_TRY(body, seal(wrap, kZeroNonce, file_key));
  for (std::string* secret : {&ephemeral, &shared, &wrap}) wipe(*secret);
  return std::string(kStanza) + std::string(kMine) + to_base64(share) + "\n" + to_base64(body) + "\n";
}

struct Stanza {
  std::string share;
  std::string body;
};

/// The X25519 stanzas of a header, which is everything up to and with the line of its authentication.
Result<std::vector<Stanza>> stanzas_of(std::string_view header) {
  std::vector<Stanza> mine;
  header.remove_prefix(kVersion.size());
  while (header.starts_with(kStanza)) {
    const std::size_t end = header.find('\n');
    std::string_view words = header.substr(kStanza.size(), end - kStanza.size());
    header.remove_prefix(end + 1);
    std::string body;
    for (bool more = true; more;) {
      const std::size_t line_end = header.find('\n');
      if (line_end == std::string_view::npos || line_end > kBodyColumns) return damaged("A header is torn.");
      body += header.substr(0, line_end);
      more = line_end == kBodyColumns;
      header.remove_prefix(line_end + 1);
    }
    if (!words.starts_with(kMine)) continue;
    const auto share = from_base64(words.substr(kMine.size()));
    const auto wrapped = from_base64(body);
    if (!share || share->size() != kKeyBytes || !wrapped || wrapped->size() != kFileKeyBytes + kTagBytes)
      return damaged("A header is torn.");
    mine.push_back({*share, *wrapped});
  }
  if (!header.starts_with(kEnd)) return damaged("A header is torn.");
  return mine;
}

/// Reads on until the header is whole; what was read behind it stays in `ahead`.
Result<std::string> read_header(const Source& source, std::string& ahead) {
  for (;;) {
    if (!std::string_view(ahead).substr(0, kVersion.size()).starts_with(kVersion.substr(0, ahead.size())))
      return damaged("This is no file of age.");
    const std::size_t mark = ahead.find("\n---");
    const std::size_t end = mark == std::string::npos ? mark : ahead.find('\n', mark + 1);
    if (end != std::string::npos) {
      std::string header = ahead.substr(0, end + 1);
      ahead.erase(0, end + 1);
      return header;
    }
    if (ahead.size() > kHeaderMost) return damaged("A header has no end.");
    OMRSYNC_TRY(more, source(4096));
    if (more.empty()) return damaged("A file ends within its header.");
    ahead += more;
  }
}

Result<std::string> file_key_of(const std::vector<Stanza>& stanzas, const AgeKey& key) {
  const auto secret = from_bech32(kSecretPrefix, key.secret);
  const auto recipient = from_bech32(kRecipientPrefix, key.recipient);
  if (!secret || !recipient) return unusable("This node's key for packages is torn.");
  for (const Stanza& stanza : stanzas) {
    OMRSYNC_TRY(shared, x25519(*secret, stanza.share));
    OMRSYNC_TRY(wrap, wrapping_key(shared, stanza.share, *recipient));
    auto file_key = unseal(wrap, kZeroNonce, stanza.body);
    if (file_key) return file_key;
  }
  return Error{Remedy::set_aside, Code::usb_not_for_us, "A volume was written for another key than this node's."};
}

/// The MAC is over the header up to and with the three dashes.
Status check_header(std::string_view header, std::string_view file_key) {
  const std::size_t dashes = header.rfind("\n---") + 1;
  OMRSYNC_TRY(mac_key, hkdf(file_key, "", "header"));
  OMRSYNC_TRY(mac, hmac_sha256(mac_key, header.substr(0, dashes + kEnd.size())));
  const std::string_view line = header.substr(dashes + kEnd.size(), header.size() - dashes - kEnd.size() - 1);
  const auto told = line.starts_with(' ') ? from_base64(line.substr(1)) : std::nullopt;
  return told && same_bytes(*told, mac) ? Status{Done{}} : damaged("A header is not what was written.");
}

}  // namespace

Result<AgeKey> new_age_key() {
  OMRSYNC_TRY(secret, random_bytes(kKeyBytes));
  std::string text = to_bech32(kSecretPrefix, secret);
  wipe(secret);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return read_age_key(text);
}

Result<AgeKey> read_age_key(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty() || line.starts_with('#')) continue;
    auto secret = from_bech32(kSecretPrefix, line);
    if (!secret || secret->size() != kKeyBytes) break;
    OMRSYNC_TRY(point, x25519_public(*secret));
    wipe(*secret);
    return AgeKey{std::string(line), to_bech32(kRecipientPrefix, point)};
  }
  return unusable("This is no secret key of age.");
}

bool is_recipient(std::string_view text) {
  const auto point = from_bech32(kRecipientPrefix, text);
  return point && point->size() == kKeyBytes;
}

Result<AgeWriter> AgeWriter::begin(const std::vector<std::string>& recipients, Sink sink) {
  if (recipients.empty()) return unusable("A volume needs a recipient.");
  OMRSYNC_TRY(file_key, random_bytes(kFileKeyBytes));
  std::string header(kVersion);
  for (const std::string& text : recipients) {
    const auto recipient = from_bech32(kRecipientPrefix, text);
    if (!recipient || recipient->size() != kKeyBytes) return unusable("This is no recipient of age.");
    OMRSYNC_TRY(stanza, stanza_for(*recipient, file_key));
    header += stanza;
  }
  header += kEnd;
  OMRSYNC_TRY(mac_key, hkdf(file_key, "", "header"));
  OMRSYNC_TRY(mac, hmac_sha256(mac_key, header));
  OMRSYNC_TRY(nonce, random_bytes(kNonceBytes));
  OMRSYNC_TRY(key, hkdf(file_key, nonce, "payload"));
  wipe(file_key);
  OMRSYNC_CHECK(sink(header + " " + to_base64(mac) + "\n" + nonce));
  return AgeWriter(std::move(key), std::move(sink));
}

Status AgeWriter::put_chunk(std::string_view chunk, bool last) {
  OMRSYNC_TRY(sealed, seal(key_, chunk_nonce(chunks_++, last), chunk));
  return sink_(sealed);
}

Status AgeWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    // A full chunk waits: it may turn out to be the last one.
    if (waiting_.size() == kChunkBytes) {
      OMRSYNC_CHECK(put_chunk(waiting_, false));
      waiting_.clear();
    }
    const std::size_t more = std::min(kChunkBytes - waiting_.size(), bytes.size());
    waiting_ += bytes.substr(0, more);
    bytes.remove_prefix(more);
  }
  return Done{};
}

Status AgeWriter::finish() {
  OMRSYNC_CHECK(put_chunk(waiting_, true));
  wipe(key_);
  return Done{};
}

Result<AgeReader> AgeReader::open(const AgeKey& key, Source source) {
  std::string ahead;
  OMRSYNC_TRY(header, read_header(source, ahead));
  OMRSYNC_TRY(stanzas, stanzas_of(header));
  OMRSYNC_TRY(file_key, file_key_of(stanzas, key));
  OMRSYNC_CHECK(check_header(header, file_key));
  while (ahead.size() < kNonceBytes) {
    OMRSYNC_TRY(more, source(kNonceBytes - ahead.size()));
    if (more.empty()) return damaged("A file ends behind its header.");
    ahead += more;
  }
  OMRSYNC_TRY(payload_key, hkdf(file_key, std::string_view(ahead).substr(0, kNonceBytes), "payload"));
  wipe(file_key);
  AgeReader reader(std::move(payload_key), std::move(source));
  reader.ahead_ = ahead.substr(kNonceBytes);
  return reader;
}

Result<std::string> AgeReader::next() {
  if (ended_) return std::string();
  // One byte more than a chunk tells whether it is the last one.
  if (ahead_.size() <= kSealedBytes) {
    OMRSYNC_TRY(more, source_(kSealedBytes + 1 - ahead_.size()));
    ahead_ += more;
  }
  const bool last = ahead_.size() <= kSealedBytes;
  const std::string_view sealed = std::string_view(ahead_).substr(0, kSealedBytes);
  OMRSYNC_TRY(chunk, unseal(key_, chunk_nonce(chunks_, last), sealed));
  if (last && chunk.empty() && chunks_ > 0) return damaged("A file has an empty end.");
  ++chunks_;
  ended_ = last;
  ahead_.erase(0, sealed.size());
  return chunk;
}

}  // namespace omrsync::stick
