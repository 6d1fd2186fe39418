#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/state.h"
#include "protocol/varint.h"

namespace omrsync::node {

/// Builds the bytes of a stored record. Fields are in a fixed order; a later version only adds at the end.
class Packer {
 public:
  Packer& number(std::uint64_t value) {
    append_varint(out_, value);
    return *this;
  }
  Packer& signed_number(std::int64_t value) {
    return number(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
  }
  Packer& fixed(std::uint64_t value) {
    append_u64(out_, value);
    return *this;
  }
  Packer& flag(bool value) { return number(value ? 1 : 0); }
  Packer& text(std::string_view value) {
    append_bytes(out_, value);
    return *this;
  }
  Packer& uuid(const Uuid& value) {
    out_.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
    return *this;
  }
  Packer& actor(const Actor& value) {
    if (value.is_load()) return flag(false);
    return flag(true).uuid(value.node).number(value.incarnation.counter).fixed(value.incarnation.chance);
  }
  Packer& dot(const Dot& value) {
    actor(value.actor);
    return value.actor.is_load() ? fixed(value.sequence) : number(value.sequence);
  }
  Packer& root(const RootKey& value) { return text(value.table).text(value.key); }
  Packer& stamp(const Stamp& value) {
    return signed_number(value.at_ms).signed_number(value.error_ms).flag(value.trusted);
  }

  [[nodiscard]] std::string take() && { return std::move(out_); }

 private:
  std::string out_;
};

/// Reads them back. Fields missing at the end read as zero or empty; `sound` is false when the bytes were cut inside
/// one.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : in_(bytes) {}

  std::uint64_t number() {
    if (in_.empty()) return 0;
    const auto value = take_varint(in_);
    if (!value) return fail();
    return *value;
  }
  std::int64_t signed_number() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
  }
  std::uint64_t fixed() {
    if (in_.empty()) return 0;
    const auto value = take_u64(in_);
    return value ? *value : fail();
  }
  bool flag() { return number() != 0; }
  std::string text() {
    if (in_.empty()) return {};
    const auto value = take_bytes(in_);
    if (!value) {
      fail();
      return {};
    }
    return std::string(*value);
  }
  Uuid uuid() {
    Uuid value;
    if (in_.size() < value.bytes.size()) {
      fail();
      return value;
    }
    std::copy_n(in_.begin(), value.bytes.size(), value.bytes.begin());
    in_.remove_prefix(value.bytes.size());
    return value;
  }
  Actor actor() {
    Actor value;
    if (!flag()) return value;
    value.node = uuid();
    value.incarnation.counter = static_cast<std::uint32_t>(number());
    value.incarnation.chance = fixed();
    return value;
  }
  Dot dot() {
    Dot value;
    value.actor = actor();
    value.sequence = value.actor.is_load() ? fixed() : number();
    return value;
  }
  RootKey root() {
    RootKey value;
    value.table = text();
    value.key = text();
    return value;
  }
  Stamp stamp() {
    Stamp value;
    value.at_ms = signed_number();
    value.error_ms = signed_number();
    value.trusted = flag();
    return value;
  }

  [[nodiscard]] bool sound() const noexcept { return sound_; }
  [[nodiscard]] bool at_end() const noexcept { return in_.empty(); }

 private:
  std::uint64_t fail() noexcept {
    sound_ = false;
    in_ = {};
    return 0;
  }

  std::string_view in_;
  bool sound_ = true;
};

}  // namespace omrsync::node
