// The only file that knows CLI11.
#include "cli/parser.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>

#include "node/admin/suggest.h"

namespace omrsync::cli {
namespace {

struct Group {
  std::string_view name;
  std::string_view summary;
};

constexpr Group kGroups[] = {
    {"init", "Set up a node from nothing."},
    {"config", "Look at and change the configuration."},
    {"db", "Prepare the OpenMRS database."},
    {"node", "The nodes below this one."},
    {"queue", "Change sets that are not done with."},
    {"conflict", "Two sites wrote the same field."},
    {"policy", "Who wins when two sites wrote the same field."},
    {"load", "The first load, and comparisons with the database."},
    {"audit", "The record of what happened."},
    {"mapping", "How tables become FHIR."},
};

std::vector<std::string> words_of(std::string_view path) {
  std::vector<std::string> words;
  for (std::size_t from = 0; from <= path.size();) {
    const auto at = std::min(path.find(' ', from), path.size());
    words.emplace_back(path.substr(from, at - from));
    from = at + 1;
  }
  return words;
}

std::string_view last_name(std::string_view names) { return names.substr(names.rfind(',') + 1); }

/// CLI11's tree of one command line, and where it puts what it finds.
class Tree {
 public:
  Tree() : app_("omrsync replicates OpenMRS between clinics and a centre.", "omrsync") {
    app_.fallthrough();
    app_.set_help_all_flag();
    add_globals();
    for (const CommandSpec& command : all_commands()) add(command);
    app_.footer("'omrsync COMMAND --help' shows options and an example; 'omrsync help SYNC-nnnn' explains an error.");
  }

  void parse(std::vector<std::string> words) {
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
    app_.parse(words);
  }

  [[nodiscard]] GlobalOptions& options() noexcept { return options_; }
  [[nodiscard]] const CLI::App& app() const noexcept { return app_; }

  /// The deepest part of the tree that the words reached.
  [[nodiscard]] const CLI::App& reached() const {
    const CLI::App* at = &app_;
    while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
    return *at;
  }

  [[nodiscard]] const CommandSpec* command() const {
    const auto found = leaves_.find(&reached());
    return found == leaves_.end() ? nullptr : found->second;
  }

  [[nodiscard]] Arguments arguments() const {
    Arguments arguments;
    for (const auto& [name, option] : found_.at(&reached()))
      if (option->count() > 0) arguments.add(name, option->results());
    return arguments;
  }

  [[nodiscard]] Result<std::string> help(const std::string& path) const {
    const CLI::App* at = &app_;
    for (const std::string& word : path.empty() ? std::vector<std::string>{} : words_of(path)) {
      const auto below = at->get_subcommands([](const CLI::App*) { return true; });
      const auto found =
          std::find_if(below.begin(), below.end(), [&](const auto* sub) { return sub->get_name() == word; });
      if (found == below.end()) return unknown(*at, word);
      at = *found;
    }
    return at->help(path_of(at->get_parent()));
  }

  /// "omrsync queue ls"; empty for none.
  [[nodiscard]] static std::string path_of(const CLI::App* at) {
    if (at == nullptr) return {};
    const std::string above = path_of(at->get_parent());
    return above + (above.empty() ? "" : " ") + at->get_name();
  }

  [[nodiscard]] static Error unknown(const CLI::App& at, const std::string& word) {
    std::vector<std::string> names;
    for (const CLI::App* sub : at.get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(sub->get_name());
    for (const CLI::App* level = &at; word.starts_with("-") && level != nullptr; level = level->get_parent())
      for (const CLI::Option* option : level->get_options()) names.push_back(option->get_name());
    const auto near = admin::suggest(word, names);
    std::string message = "'" + word + "' is not understood";
    if (at.get_parent() != nullptr) message += " behind '" + path_of(&at) + "'";
    return {Remedy::stop_node, Code::usage, message + "." + (near ? " Did you mean '" + *near + "'?" : "")};
  }

 private:
  void add_globals() {
    app_.add_option("--config", options_.config, "The node's configuration file.")->type_name("FILE");
    app_.add_flag("--json", options_.json, "Results as JSON, one object a line.");
    app_.add_flag("-q,--quiet", options_.quiet, "Nothing but results and failures.");
    app_.add_flag("-v,--verbose", options_.verbose, "More about what is done.");
    app_.add_flag("--no-color", options_.no_color, "No colours.");
    app_.add_flag("--no-input", options_.no_input, "Never ask; fail where an answer is needed.");
    app_.add_flag("-y,--yes", options_.yes, "Yes to every question.");
    app_.add_flag("-n,--dry-run", options_.dry_run, "Say what would be done, and do nothing.");
  }

  CLI::App& part(CLI::App& parent, const std::string& name) {
    const auto there = parent.get_subcommands([&](CLI::App* sub) { return sub->get_name() == name; });
    if (!there.empty()) return *there.front();
    CLI::App* added = parent.add_subcommand(name, "");
    for (const Group& group : kGroups)
      if (group.name == name) added->description(std::string(group.summary));
    return *added;
  }

  void add(const CommandSpec& command) {
    CLI::App* at = &app_;
    for (const std::string& word : words_of(command.path)) at = &part(*at, word);
    at->description(std::string(command.summary));
    at->footer("Example:\n  " + std::string(command.example));
    auto& found = found_[at];
    for (const OptionSpec& spec : command.options) {
      const std::string names(spec.names);
      CLI::Option* option = spec.value.empty() ? at->add_flag(names) : at->add_option(names);
      option->description(std::string(spec.help));
      if (!spec.value.empty()) option->type_name(std::string(spec.value));
      if (!spec.value.empty() && spec.many) option->take_all()->allow_extra_args(false);
      if (!spec.value.empty() && !spec.many) option->take_last();
      if (spec.required) option->required();
      found.emplace_back(std::string(last_name(spec.names)), option);
    }
    for (const OperandSpec& spec : command.operands) {
      CLI::Option* operand = at->add_option(std::string(spec.name))->description(std::string(spec.help))->type_name("");
      if (spec.required) operand->required();
      if (spec.many) operand->expected(-1);
      found.emplace_back(std::string(spec.name), operand);
    }
    leaves_[at] = &command;
  }

  CLI::App app_;
  GlobalOptions options_;
  std::map<const CLI::App*, const CommandSpec*> leaves_;
  std::map<const CLI::App*, std::vector<std::pair<std::string, CLI::Option*>>> found_;
};

Error misused(const Tree& tree, const std::string& why) {
  std::string message = why;
  if (!message.empty() && message.back() != '.') message += '.';
  return {Remedy::stop_node, Code::usage, message + " See '" + Tree::path_of(&tree.reached()) + " --help'."};
}

}  // namespace

Result<Parsed> parse(const std::vector<std::string>& words, GlobalOptions& options) {
  Tree tree;
  try {
    tree.parse(words);
  } catch (const CLI::CallForHelp&) {
    Parsed parsed;
    parsed.text = tree.reached().help(Tree::path_of(tree.reached().get_parent()));
    return parsed;
  } catch (const CLI::ExtrasError&) {
    options = tree.options();
    const auto left = tree.app().remaining(true);
    return Tree::unknown(tree.reached(), left.empty() ? "" : left.front());
  } catch (const CLI::ParseError& error) {
    options = tree.options();
    return misused(tree, error.what());
  }
  options = tree.options();
  Parsed parsed;
  parsed.options = tree.options();
  parsed.command = tree.command();
  if (parsed.command == nullptr) {
    if (&tree.reached() != &tree.app()) return misused(tree, "'" + tree.reached().get_name() + "' needs one more word");
    if (!words.empty()) return misused(tree, "No command was given");
    parsed.text = tree.app().help();
    return parsed;
  }
  parsed.arguments = tree.arguments();
  return parsed;
}

Result<std::string> help_text(const std::string& path) { return Tree().help(path); }

}  // namespace omrsync::cli
