#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "node/app/config_raw.h"

namespace omrsync::app {
namespace {

namespace fs = std::filesystem;

Error refuse(std::string message) { return {Remedy::set_aside, Code::config_invalid, std::move(message)}; }

bool all_of(std::string_view text, std::string_view others) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return (c < 0x80 && std::isalnum(c) != 0) || others.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

Result<Value> parse_name(const std::string& text) {
  const bool fits = all_of(text, "-") && text.size() <= 32 && text.front() != '-' && text.back() != '-' &&
                    std::none_of(text.begin(), text.end(), [](unsigned char c) { return std::isupper(c) != 0; });
  if (!fits) return refuse("must be lower-case letters, digits and hyphens, at most 32, such as \"kitale\"");
  return Value(text);
}

Result<Value> parse_timezone(const std::string& text) {
  const fs::path zones = "/usr/share/zoneinfo";
  std::error_code ignored;
  const bool spelled = all_of(text, "/_+-") && text.front() != '/';
  if (!spelled || (fs::is_directory(zones, ignored) && !fs::is_regular_file(zones / text, ignored)))
    return refuse("is no time zone that this machine knows; names look like \"Africa/Nairobi\"");
  return Value(text);
}

/// The file in $CREDENTIALS_DIRECTORY, if there is one of that name.
std::optional<fs::path> credential(const fs::path& path) {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr || path.is_absolute()) return std::nullopt;
  std::error_code ignored;
  const fs::path found = fs::path(folder) / path;
  if (!fs::is_regular_file(found, ignored)) return std::nullopt;
  return found;
}

Result<Value> parse_secret_file(const std::string& text, const fs::path& folder) {
  if (auto found = credential(text)) return Value(std::move(*found));
  const fs::path path = (folder / text).lexically_normal();
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) {
    return refuse("names a file that cannot be read (" + path.string() +
                  "); write the secret into it and chmod 0600 it");
  }
  if (!S_ISREG(about.st_mode)) return refuse("names something that is not a file (" + path.string() + ")");
  if ((about.st_mode & 077U) != 0) {
    return refuse("names a file that other users may read (SYNC-6005); run: chmod 0600 " + path.string());
  }
  return Value(path);
}

Result<Value> parse_url(const std::string& text, std::initializer_list<std::string_view> schemes, const char* example) {
  for (const std::string_view scheme : schemes) {
    if (!text.starts_with(scheme)) continue;
    const std::string_view rest = std::string_view(text).substr(scheme.size());
    const std::string_view host = rest.substr(0, rest.find('/'));
    if (!all_of(host, ".-:[]_") || host.front() == ':' || rest.find_first_of(" @?#\"") != std::string_view::npos) break;
    return Value(text);
  }
  return refuse(std::string("is not an address such as \"") + example + "\" (no user name, no query)");
}

Result<Value> parse_address(const std::string& text) {
  const auto colon = text.rfind(':');
  unsigned port = 0;
  const std::string_view digits =
      colon == std::string::npos ? std::string_view{} : std::string_view(text).substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool fits = error == std::errc{} && end == digits.data() + digits.size() && port <= 65535 && colon != 0 &&
                    all_of(std::string_view(text).substr(0, colon), ".-:[]_");
  if (!fits) return refuse("is not host and port such as \"0.0.0.0:8443\"");
  return Value(text);
}

Result<Value> parse_store(const std::string& text, const fs::path& folder) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (text.starts_with("postgresql:") || text.starts_with("postgres:"))
    return refuse("names PostgreSQL, which this version does not have as a store; use \"sqlite:state/node.db\"");
  if (!text.starts_with(kSqlite) || text.size() == kSqlite.size())
    return refuse("is not a store; write it like \"sqlite:state/node.db\"");
  return Value((folder / text.substr(kSqlite.size())).lexically_normal());
}

Result<Value> parse_choice(const KeySpec& key, const std::string& text) {
  const std::string padded = " " + std::string(key.choices) + " ";
  if (text.empty() || text.find(' ') != std::string::npos || padded.find(" " + text + " ") == std::string::npos)
    return refuse("must be one of: " + std::string(key.choices));
  return Value(text);
}

Result<Value> parse_list(const RawValue& value) {
  const auto* list = std::get_if<std::vector<std::string>>(&value);
  if (list == nullptr) return refuse("must be a list of names such as [\"hl7_in_queue\"]");
  for (const std::string& name : *list)
    if (!all_of(name, "_$")) return refuse("has an entry that is no table name");
  return Value(*list);
}

Result<Value> parse_port(const RawValue& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr || *number < 1 || *number > 65535) return refuse("must be a whole number from 1 to 65535");
  return Value(static_cast<std::uint16_t>(*number));
}

template <typename T>
Result<Value> as_value(Result<T> parsed) {
  if (!parsed) return parsed.error();
  return Value(std::move(parsed).value());
}

}  // namespace

Result<Value> parse_value(const KeySpec& key, const RawValue& value, const std::filesystem::path& folder) {
  if (key.kind == Kind::port) return parse_port(value);
  if (key.kind == Kind::list) return parse_list(value);
  const auto* text = std::get_if<std::string>(&value);
  const bool measure = key.kind == Kind::duration || key.kind == Kind::rate_plan;
  if (text == nullptr && measure && !std::holds_alternative<std::vector<std::string>>(value))
    return refuse("needs a unit; write it like \"" + std::string(key.example) + "\"");
  if (text == nullptr) return refuse("must be a text in quotes such as \"" + std::string(key.example) + "\"");
  switch (key.kind) {
    case Kind::name:
      return parse_name(*text);
    case Kind::timezone:
      return parse_timezone(*text);
    case Kind::secret_file:
      return parse_secret_file(*text, folder);
    case Kind::duration:
      return as_value(parse_duration(*text));
    case Kind::rate_plan:
      return as_value(parse_rate_plan(*text));
    case Kind::window:
      return as_value(parse_window(*text));
    case Kind::address:
      return parse_address(*text);
    case Kind::https_url:
      return parse_url(*text, {"https://"}, "https://hq.example.org:8443");
    case Kind::http_url:
      return parse_url(*text, {"https://", "http://"}, "http://127.0.0.1:8080/openmrs");
    case Kind::store_url:
      return parse_store(*text, folder);
    case Kind::choice:
      return parse_choice(key, *text);
    case Kind::identifier:
      if (!all_of(*text, "_$") || text->size() > 64)
        return refuse("must be letters, digits and underscores, at most 64");
      return Value(*text);
    case Kind::path:
      if (text->empty()) return refuse("is empty");
      return Value((folder / *text).lexically_normal());
    default:
      if (text->empty()) return refuse("is empty");
      if (std::any_of(text->begin(), text->end(), [](unsigned char c) { return c < ' ' || c == 0x7F; }))
        return refuse("has control characters");
      return Value(*text);
  }
}

}  // namespace omrsync::app
