#include "node/app/policy_file.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "adapters/system/files.h"

namespace omrsync::app {
namespace {

namespace fs = std::filesystem;
using conflict::Policy;
using conflict::Rule;
using conflict::Word;

int line_of(const toml::node& node) { return static_cast<int>(node.source().begin.line); }

std::string all_words() {
  std::string text;
  for (int i = 0; i <= static_cast<int>(Word::manual); ++i)
    text += (text.empty() ? "" : ", ") + std::string(to_string(static_cast<Word>(i)));
  return text;
}

/// Reads one file and collects what is wrong with it.
class Reader {
 public:
  explicit Reader(const fs::path& folder) : folder_(folder) {}

  CheckedPolicy read(const toml::table& table) {
    for (auto&& [key, node] : table) {
      if (key == "name") {
        read_name(node);
      } else if (key == "version") {
        read_version(node);
      } else if (key == "rule") {
        read_rules(node);
      } else {
        wrong(node, std::string(key.str()), "is not known", "A policy has name, version and [[rule]] sections.");
      }
    }
    if (!table.contains("version"))
      mistakes_.push_back({0, "version", "is missing", "Write version = 1, and count it up with every change."});
    find_idle_rules();
    if (!mistakes_.empty()) return {nullptr, std::move(mistakes_)};
    return {std::make_shared<const Policy>(std::move(policy_)), {}};
  }

 private:
  void wrong(const toml::node& node, std::string key, std::string fault, std::string remedy) {
    mistakes_.push_back({line_of(node), std::move(key), std::move(fault), std::move(remedy)});
  }

  void read_name(const toml::node& node) {
    const auto* text = node.as_string();
    const bool fits = text != nullptr && !text->get().empty() && text->get().size() <= 32 &&
                      std::all_of(text->get().begin(), text->get().end(),
                                  [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
    if (!fits || text->get() == "safe")
      return wrong(node, "name", "is no name",
                   "Use lower-case letters, digits and hyphens, at most 32; 'safe' is taken.");
    policy_.name = text->get();
  }

  void read_version(const toml::node& node) {
    const auto* number = node.as_integer();
    if (number == nullptr || number->get() < 1)
      return wrong(node, "version", "is no whole number from 1", "Count it up with every change of the file.");
    policy_.version = number->get();
  }

  void read_rules(const toml::node& node) {
    const toml::array* list = node.as_array();
    if (list == nullptr) return wrong(node, "rule", "is no section", "Begin each rule with [[rule]].");
    for (const toml::node& each : *list) {
      if (const toml::table* table = each.as_table())
        read_rule(*table);
      else
        wrong(each, "rule", "is no section", "Begin each rule with [[rule]].");
    }
  }

  void read_rule(const toml::table& table) {
    Rule rule;
    rule.line = line_of(table);
    bool has_policy = false;
    for (auto&& [key, node] : table) {
      const std::string name(key.str());
      const auto* value = node.as_string();
      if (value == nullptr) {
        wrong(node, name, "is no text", "Write it in quotes.");
        continue;
      }
      const std::string& text = value->get();
      if (name == "type" || name == "group" || name == "site") {
        (name == "type" ? rule.type : name == "group" ? rule.group : rule.site) = text;
        if (text.empty()) wrong(node, name, "is empty", "Write \"*\" for any.");
      } else if (name == "policy") {
        has_policy = true;
        read_word(node, name, text, rule.policy);
      } else if (name == "else") {
        read_word(node, name, text, rule.otherwise);
      } else if (name == "program") {
        rule.program = (folder_ / text).lexically_normal().string();
        check_program(node, rule.program);
      } else {
        wrong(node, name, "is not known", "A rule has type, group, site, policy, else and program.");
      }
    }
    if (!has_policy)
      mistakes_.push_back({rule.line, "policy", "is missing in this rule", "Use one of " + all_words() + "."});
    const bool asks = rule.policy == Word::program || rule.otherwise == Word::program;
    if (has_policy && asks == rule.program.empty())
      mistakes_.push_back({rule.line, "program", asks ? "is missing in this rule" : "is named, and never asked",
                           "policy = \"program\" and program = \"FILE\" go together."});
    policy_.rules.push_back(std::move(rule));
  }

  void read_word(const toml::node& node, const std::string& key, const std::string& text, Word& word) {
    if (const auto parsed = conflict::parse_word(text))
      word = *parsed;
    else
      wrong(node, key, "'" + text + "' is no policy", "Use one of " + all_words() + ".");
  }

  /// Whoever can change the program decides over patients' data.
  void check_program(const toml::node& node, const std::string& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode))
      return wrong(node, "program", "is no file: " + path, "Its path is relative to the policy file.");
    if (::access(path.c_str(), X_OK) != 0) wrong(node, "program", "may not be run", "chmod 0755 " + path);
    if ((found.st_mode & S_IWOTH) != 0 || (found.st_uid != 0 && found.st_uid != ::geteuid()))
      wrong(node, "program", "can be changed by others",
            "It must belong to root or to the node's user: chmod go-w " + path);
  }

  /// A rule behind one that fits all that it fits.
  void find_idle_rules() {
    for (std::size_t i = 0; i < policy_.rules.size(); ++i)
      for (std::size_t before = 0; before < i; ++before) {
        const Rule& first = policy_.rules[before];
        const Rule& rule = policy_.rules[i];
        const auto covers = [](const std::string& wide, const std::string& narrow) {
          return wide == "*" || wide == narrow ||
                 (narrow.find('*') == std::string::npos && conflict::fits(wide, narrow));
        };
        if (!covers(first.type, rule.type) || !covers(first.group, rule.group) || !covers(first.site, rule.site))
          continue;
        mistakes_.push_back({rule.line, "rule",
                             "never counts: the one in line " + std::to_string(first.line) + " fits first",
                             "Put the narrower rule before it, or delete it."});
        break;
      }
  }

  const fs::path& folder_;
  Policy policy_{"site", 1, {}};
  std::vector<Mistake> mistakes_;
};

}  // namespace

CheckedPolicy policy_from_toml(std::string_view text, const fs::path& folder) {
  const toml::parse_result parsed = toml::parse(text);
  if (parsed) return Reader(folder).read(parsed.table());
  const toml::parse_error& error = parsed.error();
  return {nullptr,
          {{static_cast<int>(error.source().begin.line), "", std::string(error.description()),
            "Correct the line; texts stand in quotes, each rule begins with [[rule]]."}}};
}

Result<CheckedPolicy> load_policy(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error))
    return Error{Remedy::stop_node, Code::config_missing, "There is no policy file " + file.string() + "."};
  OMRSYNC_TRY(text, system::read_file(file));
  return policy_from_toml(text, fs::absolute(file).parent_path());
}

Result<std::shared_ptr<const Policy>> load_valid_policy(const Config& config) {
  if (config.policy_file.empty()) return std::make_shared<const Policy>();
  OMRSYNC_TRY(checked, load_policy(config.policy_file));
  if (checked.policy) return checked.policy;
  std::string all;
  for (const Mistake& mistake : checked.mistakes)
    all += (all.empty() ? "" : "\n") + to_string(mistake, config.policy_file);
  return Error{Remedy::stop_node, Code::config_invalid, all};
}

}  // namespace omrsync::app
