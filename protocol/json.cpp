#include "protocol/json.h"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace omrsync {
namespace {

/// Length of the UTF-8 sequence at `at`, 0 when there is none.
std::size_t utf8_length(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (lead == 0xED && byte(1) > 0x9F) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

std::string as_utf8(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    clean.append(length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(at, length));
    at += std::max<std::size_t>(length, 1);
  }
  return clean;
}

template <typename Writer>
void write_text(Writer& writer, std::string_view text) {
  const std::string clean = as_utf8(text);
  writer.String(clean.data(), static_cast<rapidjson::SizeType>(clean.size()));
}

template <typename Writer>
void write_value(Writer& writer, const Json& value) {
  if (const auto* object = value.object()) {
    writer.StartObject();
    for (const auto& [key, member] : *object) {
      const std::string clean = as_utf8(key);
      writer.Key(clean.data(), static_cast<rapidjson::SizeType>(clean.size()));
      write_value(writer, member);
    }
    writer.EndObject();
  } else if (const auto* array = value.array()) {
    writer.StartArray();
    for (const Json& element : *array) write_value(writer, element);
    writer.EndArray();
  } else if (const auto* text = value.text()) {
    write_text(writer, *text);
  } else if (const auto* integer = value.integer()) {
    writer.Int64(*integer);
  } else if (const auto* real = value.real(); real != nullptr && std::isfinite(*real)) {
    writer.Double(*real);
  } else if (const auto* boolean = value.boolean()) {
    writer.Bool(*boolean);
  } else {
    writer.Null();
  }
}

/// Builds the tree; returns false (which ends the parse) on what the grammar allows and we do not.
class Builder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Builder> {
 public:
  explicit Builder(JsonLimits limits) : limits_(limits) {}

  bool Null() { return put(Json()); }
  bool Bool(bool value) { return put(Json(value)); }
  bool Int(int value) { return put(Json(value)); }
  bool Uint(unsigned value) { return put(Json(value)); }
  bool Int64(std::int64_t value) { return put(Json(value)); }
  bool Uint64(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(INT64_MAX)) return put(Json(static_cast<double>(value)));
    return put(Json(value));
  }
  bool Double(double value) { return put(Json(value)); }
  bool String(const char* text, rapidjson::SizeType size, bool) { return put(Json(std::string(text, size))); }
  bool StartObject() { return open(Json(Json::Object{})); }
  bool EndObject(rapidjson::SizeType) { return close(); }
  bool StartArray() { return open(Json(Json::Array{})); }
  bool EndArray(rapidjson::SizeType) { return close(); }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    std::string key(text, size);
    if (open_.back().value.object()->size() >= limits_.max_members) return refuse("an object has too many members");
    if (open_.back().value.find(key) != nullptr) return refuse("a member stands twice");
    open_.back().key = std::move(key);
    return true;
  }

  [[nodiscard]] std::string_view reason() const noexcept { return reason_; }
  [[nodiscard]] Json take() { return std::move(root_); }

 private:
  struct Level {
    Json value;
    std::string key;
  };

  bool refuse(std::string_view reason) {
    reason_ = reason;
    return false;
  }
  bool open(Json value) {
    if (open_.size() >= limits_.max_depth) return refuse("it is nested too deeply");
    open_.push_back({std::move(value), {}});
    return true;
  }
  bool close() {
    Json done = std::move(open_.back().value);
    open_.pop_back();
    return put(std::move(done));
  }
  bool put(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().value.object() != nullptr) {
      open_.back().value.set(open_.back().key, std::move(value));
    } else {
      open_.back().value.add(std::move(value));
    }
    return true;
  }

  JsonLimits limits_;
  std::vector<Level> open_;
  Json root_;
  std::string_view reason_;
};

}  // namespace

const Json* Json::find(std::string_view key) const noexcept {
  const auto* members = object();
  if (members == nullptr) return nullptr;
  const auto found = std::find_if(members->begin(), members->end(), [&](const auto& m) { return m.first == key; });
  return found == members->end() ? nullptr : &found->second;
}

std::string_view Json::text_of(std::string_view key) const noexcept {
  const Json* member = find(key);
  const std::string* value = member == nullptr ? nullptr : member->text();
  return value == nullptr ? std::string_view{} : std::string_view(*value);
}

Json& Json::set(std::string_view key, Json value) {
  if (is_null()) value_ = Object{};
  auto& members = std::get<Object>(value_);
  const auto found = std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.first == key; });
  if (found == members.end()) {
    members.emplace_back(std::string(key), std::move(value));
  } else {
    found->second = std::move(value);
  }
  return *this;
}

Json& Json::add(Json value) {
  if (is_null()) value_ = Array{};
  std::get<Array>(value_).push_back(std::move(value));
  return *this;
}

void write_json(const Json& value, std::string& out) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  write_value(writer, value);
  out.append(buffer.GetString(), buffer.GetSize());
}

std::string to_string(const Json& value) {
  std::string out;
  write_json(value, out);
  return out;
}

std::string to_pretty_string(const Json& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
  writer.SetIndent(' ', 2);
  write_value(writer, value);
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

Result<Json> parse_json(std::string_view text, Code code, JsonLimits limits) {
  const auto refuse = [&](std::string_view why, std::size_t at) {
    return Error{Remedy::set_aside, code,
                 "Not valid JSON at byte " + std::to_string(at) + ": " + std::string(why) + "."};
  };
  if (text.size() > limits.max_bytes) return refuse("it is too long", limits.max_bytes);
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  Builder builder(limits);
  constexpr unsigned kFlags =
      rapidjson::kParseValidateEncodingFlag | rapidjson::kParseFullPrecisionFlag | rapidjson::kParseIterativeFlag;
  const auto parsed = reader.Parse<kFlags>(stream, builder);
  if (!builder.reason().empty()) return refuse(builder.reason(), parsed.Offset());
  if (parsed.IsError()) {
    std::string why = rapidjson::GetParseError_En(parsed.Code());
    if (!why.empty() && why.back() == '.') why.pop_back();
    return refuse(why, parsed.Offset());
  }
  return builder.take();
}

}  // namespace omrsync
