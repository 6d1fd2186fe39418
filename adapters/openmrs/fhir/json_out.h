#pragma once

#include <cstring>
#include <string>
#include <string_view>

namespace omrsync::openmrs::fhir {

/// Appends compact JSON to a string. Commas come by themselves: from the last byte written since the writer was made.
/// Text must be UTF-8.
class JsonOut {
 public:
  explicit JsonOut(std::string& out) : out_(out), start_(out.size()) {}

  void open_object() { separate(), out_.push_back('{'); }
  void close_object() { out_.push_back('}'); }
  void open_array() { separate(), out_.push_back('['); }
  void close_array() { out_.push_back(']'); }

  /// `name` needs no escapes.
  void key(std::string_view name) {
    separate();
    const std::size_t at = out_.size();
    out_.resize(at + name.size() + 3);
    char* place = out_.data() + at;
    *place++ = '"';
    std::memcpy(place, name.data(), name.size());
    place[name.size()] = '"';
    place[name.size() + 1] = ':';
  }

  void text(std::string_view value) {
    separate();
    out_.push_back('"');
    escape(value);
    out_.push_back('"');
  }

  /// A finished piece of JSON: a number, a literal, or a whole value.
  void raw(std::string_view json) { separate(), out_.append(json); }

  /// Bytes as they are, without a comma.
  void verbatim(std::string_view bytes) { out_.append(bytes); }

  void member(std::string_view name, std::string_view value) { key(name), text(value); }
  void member_raw(std::string_view name, std::string_view json) { key(name), raw(json); }

  /// A string made of two pieces.
  void member(std::string_view name, std::string_view first, std::string_view second) {
    key(name);
    out_.push_back('"');
    escape(first);
    escape(second);
    out_.push_back('"');
  }

  [[nodiscard]] std::string& buffer() noexcept { return out_; }

 private:
  void separate() {
    const char last = out_.size() == start_ ? '{' : out_.back();
    if (last != '{' && last != '[' && last != ':') out_.push_back(',');
  }
  void escape(std::string_view value);

  std::string& out_;
  std::size_t start_;
};

}  // namespace omrsync::openmrs::fhir
