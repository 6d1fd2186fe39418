#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"
#include "protocol/state.h"

/// What travels: change sets as envelopes, many of them in one compressed frame. See WIRE.md.
namespace omrsync {

/// A sibling as it travels: its value is in the entry's resource, in a fragment of its own, or gone.
struct WireSibling {
  enum class Place { body, fragment, deleted };
  Dot dot;
  std::string author;
  Stamp stamp;
  Place place = Place::body;
  std::string fragment;    ///< a resource with only this group
  std::string decision{};  ///< as in Sibling
};

struct WireGroup {
  GroupName name;
  std::vector<WireSibling> siblings;
  std::size_t shown = 0;  ///< place in `siblings`
};

/// One root's whole state (D24). Groups of the resource that are not listed stand under `base`, or under load dots when
/// `loaded`.
struct Entry {
  RootKey root;
  std::string resource;  ///< FHIR R4; empty: nothing is shown (the root was purged)
  bool loaded = false;
  std::optional<WireSibling> base;
  Context context;
  std::vector<WireGroup> groups;
};

/// One change set, or a part of one (D21), or a container of the first load, or a run of numbers without content.
struct Envelope {
  enum class Kind { change, load, empty_run };
  std::uint64_t number = 0;   ///< link number (D28)
  std::uint64_t through = 0;  ///< of an empty run: its last number
  Kind kind = Kind::change;
  Dot set;
  std::uint32_t part = 0;
  Stamp stamp;  ///< when it was committed
  std::string author;
  bool cut = false;
  std::vector<Entry> entries;
};

[[nodiscard]] std::string encode_envelope(const Envelope& envelope);

/// `set_aside`, wire_malformed: the bytes are no envelope.
[[nodiscard]] Result<Envelope> decode_envelope(std::string_view bytes);

/// Makes one frame of encoded envelopes. A small frame is packed thoroughly when it is finished; one that grows beyond
/// 256 KiB is packed fast and as it grows, so that only packed bytes are held.
class FrameWriter {
 public:
  FrameWriter();
  ~FrameWriter();
  FrameWriter(FrameWriter&&) noexcept;
  FrameWriter& operator=(FrameWriter&&) noexcept;

  void add(std::string_view envelope);
  [[nodiscard]] std::size_t raw_bytes() const noexcept { return raw_bytes_; }
  /// About how long the frame is by now; what is not packed yet counts as a sixth.
  [[nodiscard]] std::size_t packed_bytes() const noexcept;
  /// The frame; nothing may be added afterwards.
  [[nodiscard]] std::string finish();

 private:
  class Stream;

  std::string waiting_;  ///< not packed yet
  std::string frame_;
  std::unique_ptr<Stream> stream_;  ///< null while the frame is small
  std::size_t raw_bytes_ = 0;
};

/// Hands out the encoded envelopes of a frame in order. Refuses frames that expand beyond `max_bytes`, are torn or
/// carry anything after their end. `visit` may fail; its error ends the reading.
Status read_frame(std::string_view frame, std::size_t max_bytes,
                  const std::function<Status(std::string_view envelope)>& visit);

}  // namespace omrsync
