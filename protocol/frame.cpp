#include <zstd.h>

#include <memory>

#include "protocol/envelope.h"
#include "protocol/varint.h"

namespace omrsync {
namespace {

Error torn(const char* what) { return {Remedy::retry_later, Code::wire_malformed, what}; }

struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

/// Takes whole envelopes off the front of `raw`; what is left waits for more bytes.
Status hand_out(std::string& raw, const std::function<Status(std::string_view)>& visit) {
  std::string_view rest = raw;
  while (const auto envelope = take_bytes(rest)) OMRSYNC_CHECK(visit(*envelope));
  raw.erase(0, raw.size() - rest.size());
  return Done{};
}

}  // namespace

void FrameWriter::add(std::string_view envelope) { append_bytes(raw_, envelope); }

std::string FrameWriter::finish(int level) {
  std::string frame(ZSTD_compressBound(raw_.size()), '\0');
  frame.resize(ZSTD_compress(frame.data(), frame.size(), raw_.data(), raw_.size(), level));
  raw_.clear();
  return frame;
}

Status read_frame(std::string_view frame, std::size_t max_bytes,
                  const std::function<Status(std::string_view envelope)>& visit) {
  const std::unique_ptr<ZSTD_DCtx, FreeDecompressor> context(ZSTD_createDCtx());
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, 24);
  std::string buffer(ZSTD_DStreamOutSize(), '\0');
  std::string raw;
  ZSTD_inBuffer in{frame.data(), frame.size(), 0};
  std::size_t total = 0, hint = 1;
  bool full = false;
  while (in.pos < in.size || full) {
    ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
    hint = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(hint)) return torn("a batch is not a zstd frame");
    total += out.pos;
    if (total > max_bytes)
      return Error{Remedy::retry_later, Code::limit_exceeded, "a batch expands beyond the limit"};
    raw.append(buffer, 0, out.pos);
    OMRSYNC_CHECK(hand_out(raw, visit));
    full = out.pos == out.size;
    if (hint == 0) break;
  }
  if (hint != 0 || in.pos != in.size || !raw.empty()) return torn("a batch is torn or has bytes after its end");
  return Done{};
}

}  // namespace omrsync
