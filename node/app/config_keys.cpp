#include "node/app/config_keys.h"

#include <algorithm>
#include <array>

namespace omrsync::app {
namespace {

template <typename T>
void take(T& into, const Value& value) {
  into = std::get<T>(value);
}

template <typename T>
T& there(std::optional<T>& section) {
  return section ? *section : section.emplace();
}

RestConfig& rest(Config& config) { return there(there(config.openmrs).rest); }

constexpr std::array kSections = {
    SectionSpec{"node", "This node."},
    SectionSpec{
        "openmrs",
        "The OpenMRS database of this site. Without it: a parent that is a FHIR repository only, and keeps what its "
        "children send in its store."},
    SectionSpec{"openmrs.rest",
                "A running OpenMRS that is told what arrived, so that searches and forms show it at once."},
    SectionSpec{"store", "Where the node keeps what it must not forget."},
    SectionSpec{"parent", "The node above. Without it: this is the root."},
    SectionSpec{"link", "How the line to the parent is used."},
    SectionSpec{"listen", "Where children call. Without it: this node has no children."},
    SectionSpec{"console", "The web console, for people on this machine."},
    SectionSpec{"scope", "What leaves and enters. Without it: everything that can travel."},
    SectionSpec{"policy", "Who wins when two sites wrote the same field."},
    SectionSpec{"apply", "How changes from elsewhere are written into OpenMRS."},
    SectionSpec{"log", "What is told on standard error."},
};

constexpr std::array kKeys = {
    KeySpec{"node.name", Kind::name, true, "", "", "kitale",
            "A short name, unique under the parent; it stands in lists and messages.", false,
            [](Config& c, const Value& v) { take(c.node.name, v); }},
    KeySpec{"node.state_dir", Kind::path, false, "state", "", "state",
            "The folder of the store, the keys and the lock. It belongs on a local disk and into the backup.", false,
            [](Config& c, const Value& v) { take(c.node.state_dir, v); }},
    KeySpec{"node.timezone", Kind::timezone, true, "", "", "Africa/Nairobi",
            "The time zone in which this OpenMRS writes its dates.", false,
            [](Config& c, const Value& v) { take(c.node.timezone, v); }},

    KeySpec{"openmrs.host", Kind::text, false, "127.0.0.1", "", "127.0.0.1", "Name or address of the database server.",
            false, [](Config& c, const Value& v) { take(there(c.openmrs).host, v); }},
    KeySpec{"openmrs.port", Kind::port, false, "3306", "", "3306", "Port of the database server.", false,
            [](Config& c, const Value& v) { take(there(c.openmrs).port, v); }},
    KeySpec{"openmrs.socket", Kind::path, false, "", "", "/run/mysqld/mysqld.sock",
            "The database server's socket file, instead of host and port.", false,
            [](Config& c, const Value& v) { take(there(c.openmrs).socket, v); }},
    KeySpec{"openmrs.database", Kind::identifier, true, "", "", "openmrs", "The schema that OpenMRS uses.", false,
            [](Config& c, const Value& v) { take(there(c.openmrs).database, v); }},
    KeySpec{"openmrs.user", Kind::text, true, "", "", "omrsync",
            "The account that omrsync logs in with; 'omrsync db grants --print' lists what it needs.", false,
            [](Config& c, const Value& v) { take(there(c.openmrs).user, v); }},
    KeySpec{"openmrs.password_file", Kind::secret_file, false, "", "", "openmrs.password",
            "A file with the account's password on its first line. Without it: no password.", false,
            [](Config& c, const Value& v) { take(there(c.openmrs).password_file, v); }},
    KeySpec{"openmrs.capture", Kind::choice, false, "binlog", "binlog", "binlog",
            "How committed changes are seen. binlog reads the server's replication log and costs OpenMRS nothing.",
            false, [](Config& c, const Value& v) { take(there(c.openmrs).capture, v); }},
    KeySpec{"openmrs.marker_schema", Kind::identifier, false, "", "", "omrsync_openmrs",
            "A small schema of ours beside OpenMRS's own. Without it: omrsync_ and the database's name.", false,
            [](Config& c, const Value& v) { take(there(c.openmrs).marker_schema, v); }},
    KeySpec{"openmrs.tls_ca", Kind::path, false, "", "", "mysql-ca.pem",
            "The certificate authority of the database server. With it the connection must be TLS.", false,
            [](Config& c, const Value& v) { take(there(c.openmrs).tls_ca, v); }},
    KeySpec{"openmrs.tls_server_name", Kind::text, false, "", "", "db.example.org",
            "The name in the database server's certificate, when it is not the host.", false,
            [](Config& c, const Value& v) { take(there(c.openmrs).tls_server_name, v); }},

    KeySpec{"openmrs.rest.url", Kind::http_url, true, "", "", "http://127.0.0.1:8080/openmrs",
            "The address of OpenMRS itself.", false, [](Config& c, const Value& v) { take(rest(c).url, v); }},
    KeySpec{"openmrs.rest.user", Kind::text, true, "", "", "omrsync", "An OpenMRS user who may clear caches.", false,
            [](Config& c, const Value& v) { take(rest(c).user, v); }},
    KeySpec{"openmrs.rest.password_file", Kind::secret_file, true, "", "", "openmrs-rest.password",
            "A file with that user's password on its first line.", false,
            [](Config& c, const Value& v) { take(rest(c).password_file, v); }},

    KeySpec{"store.url", Kind::store_url, false, "sqlite:state/node.db", "", "sqlite:state/node.db",
            "The store: sqlite: and a file.", false, [](Config& c, const Value& v) { take(c.store_file, v); }},

    KeySpec{"parent.url", Kind::https_url, true, "", "", "https://hq.example.org:8443",
            "The parent's address. Its certificate is checked against the authority of this node's card.", false,
            [](Config& c, const Value& v) { take(there(c.parent).url, v); }},
    KeySpec{"parent.push", Kind::duration, false, "1min", "", "1min",
            "How often changes are sent at the latest; while the line is up they go at once.", true,
            [](Config& c, const Value& v) { take(there(c.parent).push, v); }},
    KeySpec{"parent.pull", Kind::duration, false, "1min", "", "1min", "How often the parent is asked for news.", true,
            [](Config& c, const Value& v) { take(there(c.parent).pull, v); }},
    KeySpec{"parent.max_rate", Kind::rate_plan, false, "off", "", "08:00-17:00 16KiB/s, off",
            "How much the line may carry: off, a rate, or a timetable of rates in local time.", true,
            [](Config& c, const Value& v) { take(there(c.parent).max_rate, v); }},
    KeySpec{"parent.window", Kind::window, false, "always", "", "Mon-Fri 18:00-06:00",
            "When the line may be used, in local time.", true,
            [](Config& c, const Value& v) { take(there(c.parent).window, v); }},

    KeySpec{"link.client", Kind::choice, false, "curl", "curl cpprest", "curl",
            "The HTTP client library. Both speak the same; curl is the one to use.", false,
            [](Config& c, const Value& v) { take(c.link_client, v); }},

    KeySpec{"listen.address", Kind::address, false, "0.0.0.0:8443", "", "0.0.0.0:8443",
            "Address and port where children call.", false,
            [](Config& c, const Value& v) { take(there(c.listen).address, v); }},
    KeySpec{"listen.url", Kind::https_url, false, "", "", "https://hq.example.org:8443",
            "The address by which children reach it; it goes into their cards and into the certificate.", false,
            [](Config& c, const Value& v) { take(there(c.listen).url, v); }},
    KeySpec{"listen.certificate_life", Kind::duration, false, "365d", "", "365d",
            "How long the certificates of children are good for; each renews its own in the last third of it.", false,
            [](Config& c, const Value& v) { take(there(c.listen).certificate_life, v); }},

    KeySpec{"console.address", Kind::address, false, "127.0.0.1:8480", "", "127.0.0.1:8480",
            "Address and port of the console.", false,
            [](Config& c, const Value& v) { c.console_address = std::get<std::string>(v); }},

    KeySpec{"scope.exclude_tables", Kind::list, false, "", "", R"(["hl7_in_queue"])",
            "Tables that neither leave nor enter.", false,
            [](Config& c, const Value& v) { take(c.excluded_tables, v); }},

    KeySpec{
        "policy.file", Kind::path, false, "", "", "policy.toml",
        "A file with conflict policies. Without it: fields merge, metadata follows the parent, the rest is for people.",
        true, [](Config& c, const Value& v) { take(c.policy_file, v); }},

    KeySpec{
        "apply.unseen_window", Kind::duration, false, "15min", "", "15min",
        "How long after a change from elsewhere a local write to the same field counts as made without having seen it.",
        false, [](Config& c, const Value& v) { take(c.unseen_window, v); }},

    KeySpec{"log.level", Kind::choice, false, "info", "debug info warning error", "info",
            "The least important lines that are written.", true,
            [](Config& c, const Value& v) { take(c.log_level, v); }},
};

}  // namespace

std::span<const KeySpec> all_keys() noexcept { return kKeys; }
std::span<const SectionSpec> all_sections() noexcept { return kSections; }

const KeySpec* find_key(std::string_view key) noexcept {
  const auto* found = std::find_if(kKeys.begin(), kKeys.end(), [&](const KeySpec& spec) { return spec.key == key; });
  return found == kKeys.end() ? nullptr : found;
}

std::string_view section_of(std::string_view key) noexcept {
  const auto dot = key.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : key.substr(0, dot);
}

std::string_view name_in_section(std::string_view key) noexcept { return key.substr(key.rfind('.') + 1); }

std::string_view kind_name(Kind kind) noexcept {
  switch (kind) {
    case Kind::text:
      return "text";
    case Kind::name:
      return "lower-case letters, digits and hyphens, at most 32";
    case Kind::timezone:
      return "time zone name";
    case Kind::path:
      return "path, relative to the configuration file";
    case Kind::secret_file:
      return "path of a file that only its owner may read, relative to the configuration file";
    case Kind::duration:
      return "duration with a unit (ms, s, min, h, d)";
    case Kind::rate_plan:
      return "off, a rate with a unit (B/s, KiB/s, MiB/s), or a timetable";
    case Kind::window:
      return "always, or spans of the week";
    case Kind::port:
      return "whole number, 1 to 65535";
    case Kind::address:
      return "host:port";
    case Kind::https_url:
      return "https address";
    case Kind::http_url:
      return "http or https address";
    case Kind::store_url:
      return "sqlite: and a path, relative to the configuration file";
    case Kind::choice:
      return "one of the choices";
    case Kind::identifier:
      return "SQL name";
    case Kind::list:
      return "list of SQL names";
  }
  return "";
}

namespace {

std::string quoted_example(const KeySpec& key, std::string_view text) {
  const bool bare = key.kind == Kind::port || key.kind == Kind::list;
  return bare ? std::string(text) : "\"" + std::string(text) + "\"";
}

std::string default_text(const KeySpec& key) {
  if (!key.fallback.empty()) return quoted_example(key, key.fallback);
  return key.required ? "none; required" : "none";
}

std::string type_text(const KeySpec& key) {
  if (key.kind != Kind::choice) return std::string(kind_name(key.kind));
  std::string choices(key.choices);
  for (std::size_t at = 0; (at = choices.find(' ', at)) != std::string::npos; at += 2) choices.replace(at, 1, ", ");
  return choices;
}

}  // namespace

std::string explain(const KeySpec& key) {
  std::string text(key.key);
  text += "\n  " + std::string(key.sentence);
  text += "\n  type:    " + type_text(key);
  text += "\n  default: " + default_text(key);
  text += "\n  example: " + std::string(name_in_section(key.key)) + " = " + quoted_example(key, key.example);
  text += "     # in [" + std::string(section_of(key.key)) + "]";
  text += std::string("\n  taken up by ") + (key.reloads ? "a reload (SIGHUP)" : "a new start") + "\n";
  return text;
}

std::string reference_page() {
  std::string page =
      "# Configuration\n\n"
      "One TOML file; `omrsync --config FILE`, else `$OMRSYNC_CONFIG`, else `/etc/omrsync/omrsync.toml`. Relative "
      "paths\n"
      "are relative to the file's folder. Numbers that measure something have a unit. Unknown keys are mistakes, "
      "secrets\n"
      "are paths of files (looked for in `$CREDENTIALS_DIRECTORY` too). `omrsync config check` names every mistake "
      "with its\n"
      "line; `omrsync config explain KEY` prints what stands here. `omrsync config show --json` gives the file as JSON "
      "and\n"
      "`omrsync config set --from FILE.json` takes it back, as a whole or not at all. A running node takes up the "
      "keys\n"
      "marked *reload* at SIGHUP.\n\n"
      "This page is written by `omrsync config reference`; a test compares the two.\n";
  for (const SectionSpec& section : kSections) {
    page += "\n## [" + std::string(section.name) + "]\n\n" + std::string(section.sentence) + "\n\n";
    page += "| key | type | default | what it is |\n| --- | --- | --- | --- |\n";
    for (const KeySpec& key : kKeys) {
      if (section_of(key.key) != section.name) continue;
      page += "| `" + std::string(name_in_section(key.key)) + "` | " + type_text(key) + " | ";
      page += key.fallback.empty() ? default_text(key) : "`" + default_text(key) + "`";
      page += " | " + std::string(key.sentence) + (key.reloads ? " *(reload)*" : "") + " Example: `";
      page += quoted_example(key, key.example) + "`. |\n";
    }
  }
  return page;
}

}  // namespace omrsync::app
