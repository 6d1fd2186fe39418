#include "adapters/openmrs/fhir/json_tape.h"

#ifdef __SSE2__
#define RAPIDJSON_SSE2  // skips strings by sixteen bytes, and reads up to fifteen bytes beyond their end
#endif
#include <rapidjson/reader.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace omrsync::openmrs::fhir {
namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxNumber = 64;

Error refused(const std::string& what) {
  return Error{Remedy::set_aside, Code::fhir_malformed, "the resource is not strict JSON: " + what};
}

/// Fills the nodes; what it refuses is told by `fault`.
class TapeBuilder {
 public:
  explicit TapeBuilder(std::vector<JsonNode>& nodes) : nodes_(nodes) {}

  bool Null() {
    if (depth_ == 0 || nodes_[open_[depth_ - 1]].kind != JsonKind::array) return refuse("a null");
    nulls_ = true;
    return scalar(JsonKind::null, nullptr, 0);
  }
  bool Bool(bool value) { return scalar(value ? JsonKind::truth : JsonKind::falsehood, nullptr, 0); }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    if (size > kMaxNumber) return refuse("a number of more than 64 characters");
    return scalar(JsonKind::number, text, size);
  }
  bool String(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    if (size == 0) return refuse("an empty string");
    return scalar(JsonKind::text, text, size);
  }
  bool Key(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    if (size == 0) return refuse("an empty member name");
    has_modifier_ = has_modifier_ || std::string_view(text, size) == "modifierExtension";
    return scalar(JsonKind::text, text, size);
  }
  bool StartObject() { return open(JsonKind::object); }
  bool StartArray() { return open(JsonKind::array); }
  bool EndObject(rapidjson::SizeType members) {
    if (members == 0) return refuse("an empty object");
    const std::uint32_t at = close();
    if (repeats_a_name(at, members)) return refuse("a repeated member");
    return !nulls_ || nulls_are_paired(at) || refuse("a null in an array that is no paired primitive array");
  }
  bool EndArray(rapidjson::SizeType items) {
    if (items == 0) return refuse("an empty array");
    close();
    return true;
  }

  // Never called: numbers come raw.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }

  [[nodiscard]] const char* fault() const noexcept { return fault_; }
  [[nodiscard]] bool has_modifier() const noexcept { return has_modifier_; }

 private:
  bool refuse(const char* what) {
    fault_ = what;
    return false;
  }
  bool scalar(JsonKind kind, const char* text, std::uint32_t size) {
    nodes_.push_back({text, size, static_cast<std::uint32_t>(nodes_.size() + 1), kind});
    return true;
  }
  bool open(JsonKind kind) {
    if (depth_ == kMaxDepth) return refuse("nesting deeper than 64");
    open_[depth_++] = static_cast<std::uint32_t>(nodes_.size());
    return scalar(kind, nullptr, 0);
  }
  std::uint32_t close() {
    const std::uint32_t at = open_[--depth_];
    nodes_[at].end = static_cast<std::uint32_t>(nodes_.size());
    return at;
  }

  [[nodiscard]] std::string_view name_at(std::uint32_t at) const { return {nodes_[at].text, nodes_[at].size}; }

  bool repeats_a_name(std::uint32_t object, std::size_t members) {
    if (members > 16) return repeats_a_name_among_many(object);
    const std::uint32_t end = nodes_[object].end;
    for (std::uint32_t one = object + 1; one < end; one = nodes_[one + 1].end)
      for (std::uint32_t two = nodes_[one + 1].end; two < end; two = nodes_[two + 1].end)
        if (name_at(one) == name_at(two)) return true;
    return false;
  }
  bool repeats_a_name_among_many(std::uint32_t object) {
    std::vector<std::string_view> names;
    for (std::uint32_t at = object + 1; at < nodes_[object].end; at = nodes_[at + 1].end) names.push_back(name_at(at));
    std::sort(names.begin(), names.end());
    return std::adjacent_find(names.begin(), names.end()) != names.end();
  }

  [[nodiscard]] bool has_null(std::uint32_t array) const {
    for (std::uint32_t at = array + 1; at < nodes_[array].end; at = nodes_[at].end)
      if (nodes_[at].kind == JsonKind::null) return true;
    return false;
  }
  [[nodiscard]] bool has_member(std::uint32_t object, std::string_view name) const {
    for (std::uint32_t at = object + 1; at < nodes_[object].end; at = nodes_[at + 1].end)
      if (name_at(at) == name) return true;
    return false;
  }
  /// Nulls may stand in `name` when `_name` is there, and the other way round.
  [[nodiscard]] bool nulls_are_paired(std::uint32_t object) const {
    for (std::uint32_t at = object + 1; at < nodes_[object].end; at = nodes_[at + 1].end) {
      if (nodes_[at + 1].kind != JsonKind::array || !has_null(at + 1)) continue;
      const std::string_view name = name_at(at);
      const std::string pair = name.front() == '_' ? std::string(name.substr(1)) : "_" + std::string(name);
      if (!has_member(object, pair)) return false;
    }
    return true;
  }

  std::vector<JsonNode>& nodes_;
  std::array<std::uint32_t, kMaxDepth> open_{};
  std::size_t depth_ = 0;
  bool nulls_ = false;
  bool has_modifier_ = false;
  const char* fault_ = nullptr;
};

[[nodiscard]] bool is_ascii(std::string_view bytes) noexcept {
  std::uint64_t all = 0;
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, bytes.data() + at, 8);
    all |= eight;
  }
  for (; at < bytes.size(); ++at) all |= static_cast<unsigned char>(bytes[at]) & 0x80U;
  return (all & 0x8080808080808080U) == 0;
}

}  // namespace

Status JsonTape::parse(std::string_view document) {
  if (document.find('\0') != std::string_view::npos) return refused("a NUL byte");
  if (document.size() > UINT32_MAX / 2) return refused("too long");
  size_ = document.size() + 1 + std::max(document.size() / 2, std::size_t{32});
  text_ = std::make_unique_for_overwrite<char[]>(size_);
  std::memcpy(text_.get(), document.data(), document.size());
  text_[document.size()] = '\0';
  used_ = document.size() + 1;
  more_.clear();
  nodes_.clear();
  nodes_.reserve(document.size() / 12 + 16);
  TapeBuilder builder(nodes_);
  rapidjson::Reader reader;
  rapidjson::InsituStringStream stream(text_.get());
  constexpr unsigned kFlags = rapidjson::kParseInsituFlag | rapidjson::kParseNumbersAsStringsFlag;
  const rapidjson::ParseResult result =
      is_ascii(document) ? reader.Parse<kFlags>(stream, builder)
                         : reader.Parse<kFlags | rapidjson::kParseValidateEncodingFlag>(stream, builder);
  if (builder.fault() != nullptr) return refused(builder.fault());
  if (result.IsError()) return refused("a fault at byte " + std::to_string(result.Offset()));
  has_modifier_ = builder.has_modifier();
  if (nodes_.front().kind != JsonKind::object) return refused("not an object");
  return Done{};
}

char* JsonTape::room(std::size_t size) const {
  if (size_ - used_ < size) return more_.emplace_back(std::make_unique<char[]>(size)).get();
  char* place = text_.get() + used_;
  used_ += size;
  return place;
}

std::optional<JsonView> JsonView::find(std::string_view name) const noexcept {
  for (const JsonMember member : members())
    if (member.name == name) return member.value;
  return std::nullopt;
}

std::string_view JsonView::text_of(std::string_view name) const noexcept {
  const auto found = find(name);
  return found && found->is_text() ? found->text() : std::string_view();
}

std::size_t JsonView::count() const noexcept {
  std::size_t count = 0;
  if (is_object()) {
    for ([[maybe_unused]] const JsonMember member : members()) ++count;
  } else {
    for ([[maybe_unused]] const JsonView item : items()) ++count;
  }
  return count;
}

void JsonView::write_to(JsonOut& json) const {
  switch (kind()) {
    case JsonKind::object:
      json.open_object();
      for (const JsonMember member : members()) {
        json.text(member.name);
        json.verbatim(":");
        member.value.write_to(json);
      }
      json.close_object();
      return;
    case JsonKind::array:
      json.open_array();
      for (const JsonView item : items()) item.write_to(json);
      json.close_array();
      return;
    case JsonKind::text:
      json.text(text());
      return;
    case JsonKind::number:
      json.raw(text());
      return;
    case JsonKind::truth:
      json.raw("true");
      return;
    case JsonKind::falsehood:
      json.raw("false");
      return;
    case JsonKind::null:
      json.raw("null");
      return;
  }
}

std::string JsonView::to_string() const {
  std::string out;
  JsonOut json(out);
  write_to(json);
  return out;
}

}  // namespace omrsync::openmrs::fhir
