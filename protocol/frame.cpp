#include <zstd.h>

#include <memory>

#include "protocol/envelope.h"
#include "protocol/varint.h"

namespace omrsync {

/// dictionary-1.zdict: what envelopes of every clinic have in common (D5).
std::string_view frame_dictionary();

namespace {

Error torn(const char* what) { return {Remedy::retry_later, Code::wire_malformed, what}; }

struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

constexpr int kThoroughLevel = 19;
constexpr std::size_t kThoroughBytes = 256 * 1024;
constexpr int kFastLevel = 3;
constexpr int kFastWindowLog = 20;  ///< a window of 1 MiB: what lies further back says little new

struct FreeCompressor {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
};

struct FreeDictionary {
  void operator()(ZSTD_CDict* dictionary) const noexcept { ZSTD_freeCDict(dictionary); }
  void operator()(ZSTD_DDict* dictionary) const noexcept { ZSTD_freeDDict(dictionary); }
};

const ZSTD_CDict* packing_dictionary() {
  static const std::unique_ptr<ZSTD_CDict, FreeDictionary> prepared(
      ZSTD_createCDict(frame_dictionary().data(), frame_dictionary().size(), kThoroughLevel));
  return prepared.get();
}

const ZSTD_DDict* unpacking_dictionary() {
  static const std::unique_ptr<ZSTD_DDict, FreeDictionary> prepared(
      ZSTD_createDDict(frame_dictionary().data(), frame_dictionary().size()));
  return prepared.get();
}

/// Takes whole envelopes off the front of `raw`; what is left waits for more bytes.
Status hand_out(std::string& raw, const std::function<Status(std::string_view)>& visit) {
  std::string_view rest = raw;
  while (const auto envelope = take_bytes(rest)) OMRSYNC_CHECK(visit(*envelope));
  raw.erase(0, raw.size() - rest.size());
  return Done{};
}

}  // namespace

class FrameWriter::Stream {
 public:
  Stream() : context_(ZSTD_createCCtx()) {
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kFastLevel);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_windowLog, kFastWindowLog);
  }

  void pack(std::string_view bytes, ZSTD_EndDirective how, std::string& into) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    std::size_t left = 0;
    do {
      const std::size_t before = into.size();
      into.resize(before + ZSTD_CStreamOutSize());
      ZSTD_outBuffer out{into.data() + before, into.size() - before, 0};
      left = ZSTD_compressStream2(context_.get(), &out, &in, how);
      into.resize(before + out.pos);
    } while (how == ZSTD_e_end ? left != 0 : in.pos < in.size);
  }

 private:
  std::unique_ptr<ZSTD_CCtx, FreeCompressor> context_;
};

FrameWriter::FrameWriter() = default;
FrameWriter::~FrameWriter() = default;
FrameWriter::FrameWriter(FrameWriter&&) noexcept = default;
FrameWriter& FrameWriter::operator=(FrameWriter&&) noexcept = default;

void FrameWriter::add(std::string_view envelope) {
  append_bytes(waiting_, envelope);
  raw_bytes_ += envelope.size();
  if (raw_bytes_ < kThoroughBytes) return;
  if (!stream_) stream_ = std::make_unique<Stream>();
  stream_->pack(waiting_, ZSTD_e_continue, frame_);
  waiting_.clear();
}

std::size_t FrameWriter::packed_bytes() const noexcept { return frame_.size() + waiting_.size() / 6; }

std::string FrameWriter::finish() {
  if (stream_) {
    stream_->pack({}, ZSTD_e_end, frame_);
    stream_.reset();
    return std::move(frame_);
  }
  const std::unique_ptr<ZSTD_CCtx, FreeCompressor> context(ZSTD_createCCtx());
  std::string frame(ZSTD_compressBound(waiting_.size()), '\0');
  frame.resize(ZSTD_compress_usingCDict(context.get(), frame.data(), frame.size(), waiting_.data(), waiting_.size(),
                                        packing_dictionary()));
  return frame;
}

Status read_frame(std::string_view frame, std::size_t max_bytes,
                  const std::function<Status(std::string_view envelope)>& visit) {
  const std::unique_ptr<ZSTD_DCtx, FreeDecompressor> context(ZSTD_createDCtx());
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, 24);
  if (const unsigned number = ZSTD_getDictID_fromFrame(frame.data(), frame.size()); number != 0) {
    if (number != ZSTD_getDictID_fromDDict(unpacking_dictionary()))
      return Error{
          Remedy::retry_later, Code::wire_version_unknown,
          "a batch was packed with dictionary " + std::to_string(number) + ", which this version does not have"};
    ZSTD_DCtx_refDDict(context.get(), unpacking_dictionary());
  }
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
    if (total > max_bytes) return Error{Remedy::retry_later, Code::limit_exceeded, "a batch expands beyond the limit"};
    raw.append(buffer, 0, out.pos);
    OMRSYNC_CHECK(hand_out(raw, visit));
    full = out.pos == out.size;
    if (hint == 0) break;
  }
  if (hint != 0 || in.pos != in.size || !raw.empty()) return torn("a batch is torn or has bytes after its end");
  return Done{};
}

}  // namespace omrsync
