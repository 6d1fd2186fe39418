#include <unistd.h>

#include <iostream>

#include "cli/commands.h"
#include "node/app/setup.h"

namespace omrsync::cli {
namespace {

std::optional<std::string>* slot(app::InitAnswers& answers, const std::string& flag) {
  const std::pair<const char*, std::optional<std::string>*> slots[] = {
      {"--name", &answers.name},       {"--timezone", &answers.timezone},
      {"--listen", &answers.listen},   {"--url", &answers.url},
      {"--openmrs", &answers.openmrs}, {"--openmrs-password-file", &answers.openmrs_password_file},
      {"--store", &answers.store},     {"--join", &answers.join},
      {"--parent", &answers.parent},   {"--code", &answers.code},
      {"--answer", &answers.answer},
  };
  for (const auto& [name, answer] : slots)
    if (flag == name) return answer;
  return nullptr;
}

bool may_ask(const Context& context) {
  return !context.options.no_input && !context.options.json && ::isatty(STDIN_FILENO) == 1 &&
         ::isatty(STDERR_FILENO) == 1;
}

/// Asks on the terminal for one answer; false at the end of input.
bool ask(app::InitAnswers& answers, const app::MissingAnswer& missing) {
  std::cerr << missing.question << ": " << std::flush;
  std::string line;
  if (!std::getline(std::cin, line)) return false;
  if (!line.empty()) *slot(answers, missing.flag) = line;
  return true;
}

/// Fills in what is missing from the terminal, or names all of it.
Status complete(const Context& context, app::InitAnswers& answers) {
  auto missing = app::missing_answers(answers);
  while (!missing.empty() && may_ask(context)) {
    if (!ask(answers, missing.front())) break;
    missing = app::missing_answers(answers);
  }
  if (missing.empty()) return Done{};
  std::string flags;
  for (const app::MissingAnswer& one : missing) flags += (flags.empty() ? "" : ", ") + one.flag;
  return Error{Remedy::stop_node, Code::usage, "Missing: " + flags + ". Nothing was written."};
}

Result<int> init(Context& context, const Arguments& arguments, bool has_parent, bool has_children) {
  app::InitAnswers answers;
  answers.has_parent = has_parent;
  answers.has_children = has_children;
  for (const char* flag : {"--name", "--timezone", "--listen", "--url", "--openmrs", "--openmrs-password-file",
                           "--store", "--join", "--parent", "--code", "--answer"})
    if (auto given = arguments.text(flag)) *slot(answers, flag) = std::move(given);
  OMRSYNC_CHECK(complete(context, answers));
  OMRSYNC_TRY(made, app::init_node(answers, context.config_file(), context.options.dry_run));
  Json answer;
  answer.set("schema", "omrsync/init/1").set("config", made.config_file.string()).set("role", made.config.role());
  answer.set("name", made.config.node.name).set("id", context.options.dry_run ? Json() : Json(to_string(made.node)));
  answer.set("state_dir", made.config.node.state_dir.string()).set("written", !context.options.dry_run);
  context.out.object(answer);
  if (context.options.dry_run) {
    context.out.line(made.toml);
    return exit_code::kDone;
  }
  context.out.line("Set up " + made.config.node.name + ", a " + std::string(made.config.role()) + ": " +
                   made.config_file.string());
  const std::string tool = "omrsync --config " + made.config_file.string();
  context.out.say("Next: " + tool + " doctor");
  if (made.config.listen) context.out.say("Then: " + tool + " serve, and " + tool + " node add NAME");
  if (made.config.parent) context.out.say("Then: " + tool + " serve");
  if (answers.join) context.out.say("Delete the card file; it is a secret and not needed any more.");
  return exit_code::kDone;
}

Result<int> init_parent(Context& context, const Arguments& arguments) { return init(context, arguments, false, true); }

Result<int> init_child(Context& context, const Arguments& arguments) { return init(context, arguments, true, false); }

Result<int> init_district(Context& context, const Arguments& arguments) { return init(context, arguments, true, true); }

const std::vector<OptionSpec> kEverybody = {
    {"--name", "NAME", "A short name, unique under the parent."},
    {"--timezone", "ZONE", "The time zone of the OpenMRS server, such as Africa/Nairobi."},
    {"--openmrs", "URL", "mysql://USER@HOST:PORT/DATABASE, or mysql://USER@localhost/DATABASE?socket=PATH."},
    {"--openmrs-password-file", "FILE", "The database account's password; mode 0600."},
    {"--store", "URL", "Where the node keeps its state; sqlite:state/node.db when not said."},
};
const std::vector<OptionSpec> kWithChildren = {
    {"--listen", "HOST:PORT", "Where children call, such as 0.0.0.0:8443."},
    {"--url", "URL", "The address by which children reach it, such as https://hq.example.org:8443."},
};
const std::vector<OptionSpec> kWithParent = {
    {"--join", "FILE", "The card that the parent's 'omrsync node add --card' wrote."},
    {"--parent", "URL", "The parent's address, together with --code."},
    {"--code", "CODE", "The one-time code that the parent's 'omrsync node add' printed."},
    {"--answer", "FILE", "The parent's answer to 'omrsync enrol request', where there is no line."},
};

std::vector<OptionSpec> joined(std::initializer_list<std::vector<OptionSpec>> parts) {
  std::vector<OptionSpec> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

std::vector<CommandSpec> init_commands() {
  return {
      {"init parent",
       "A centre: has children and no parent.",
       "omrsync --config hq/omrsync.toml init parent --name hq --timezone Africa/Nairobi --listen 0.0.0.0:8443 --url "
       "https://hq.example.org:8443 --openmrs mysql://omrsync@127.0.0.1:3306/openmrs --openmrs-password-file pw",
       joined({kEverybody, kWithChildren}),
       {},
       init_parent},
      {"init child",
       "A clinic: has a parent and no children.",
       "omrsync --config kitale/omrsync.toml init child --name kitale --timezone Africa/Nairobi --openmrs "
       "mysql://omrsync@127.0.0.1:3306/openmrs --openmrs-password-file pw --parent https://hq.example.org:8443 --code "
       "CODE",
       joined({kEverybody, kWithParent}),
       {},
       init_child},
      {"init district",
       "In between: has a parent and children.",
       "omrsync --config west/omrsync.toml init district --name west --timezone Africa/Nairobi --listen 0.0.0.0:8443 "
       "--url "
       "https://west.example.org:8443 --parent https://hq.example.org:8443 --code CODE",
       joined({kEverybody, kWithChildren, kWithParent}),
       {},
       init_district},
  };
}

}  // namespace omrsync::cli
