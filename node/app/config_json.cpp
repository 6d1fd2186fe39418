#include <algorithm>

#include "node/app/config_raw.h"

namespace omrsync::app {
namespace {

RawValue raw_value(const Json& value) {
  if (const auto* text = value.text()) return *text;
  if (const auto* number = value.integer()) return *number;
  if (const auto* real = value.real()) return *real;
  if (const auto* yes = value.boolean()) return *yes;
  const auto* list = value.array();
  if (list == nullptr) return std::monostate{};
  std::vector<std::string> texts;
  for (const Json& element : *list) {
    if (element.text() == nullptr) return std::monostate{};
    texts.push_back(*element.text());
  }
  return texts;
}

void read_object(const Json::Object& object, const std::string& section, RawConfig& raw) {
  for (const auto& [key, value] : object) {
    const std::string path = section.empty() ? key : section + "." + key;
    if (section.empty() && key == "schema") continue;
    if (const auto* inner = value.object()) {
      raw.sections.push_back({path, 0});
      read_object(*inner, path, raw);
    } else {
      raw.entries.push_back({path, raw_value(value), 0});
    }
  }
}

struct AsJson {
  Json operator()(std::monostate) const { return nullptr; }
  Json operator()(const std::vector<std::string>& list) const {
    Json::Array array;
    for (const std::string& text : list) array.emplace_back(text);
    return array;
  }
  template <typename T>
  Json operator()(const T& value) const {
    return value;
  }
};

/// The member at `path` of nested objects, made where it is not there.
void set_at(Json& object, std::string_view path, Json value) {
  const auto dot = path.find('.');
  if (dot == std::string_view::npos) {
    object.set(path, std::move(value));
    return;
  }
  const Json* there = object.find(path.substr(0, dot));
  Json inner = there != nullptr && there->object() != nullptr ? *there : Json(Json::Object{});
  set_at(inner, path.substr(dot + 1), std::move(value));
  object.set(path.substr(0, dot), std::move(inner));
}

}  // namespace

RawConfig raw_from_json(const Json& document) {
  RawConfig raw;
  if (document.object() == nullptr) {
    raw.mistakes.push_back(
        {0, "", "the document is not a JSON object", "Take the shape of 'omrsync config show --json'."});
    return raw;
  }
  read_object(*document.object(), "", raw);
  return raw;
}

Json json_from_raw(const RawConfig& raw) {
  Json document{Json::Object{}};
  const auto known = [](std::string_view name) {
    return std::any_of(all_sections().begin(), all_sections().end(), [&](const auto& s) { return s.name == name; });
  };
  for (const SectionSpec& section : all_sections()) {
    if (std::any_of(raw.sections.begin(), raw.sections.end(), [&](const auto& s) { return s.name == section.name; }))
      set_at(document, section.name, Json::Object{});
    for (const KeySpec& key : all_keys()) {
      if (section_of(key.key) != section.name) continue;
      for (const RawEntry& entry : raw.entries)
        if (entry.key == key.key) set_at(document, entry.key, std::visit(AsJson{}, entry.value));
    }
  }
  for (const RawEntry& entry : raw.entries)
    if (!known(section_of(entry.key)) || find_key(entry.key) == nullptr)
      set_at(document, entry.key, std::visit(AsJson{}, entry.value));
  return document;
}

}  // namespace omrsync::app
