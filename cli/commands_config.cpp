#include "cli/commands.h"
#include "node/admin/suggest.h"
#include "node/app/config.h"
#include "node/app/config_keys.h"
#include "node/app/open.h"
#include "node/app/policy_file.h"

namespace omrsync::cli {
namespace {

Json mistake_as_json(const app::Mistake& mistake, const std::filesystem::path& file) {
  Json answer;
  answer.set("schema", "omrsync/config-mistake/1").set("file", file.string());
  answer.set("line", mistake.line > 0 ? Json(mistake.line) : Json());
  answer.set("key", mistake.key.empty() ? Json() : Json(mistake.key));
  return answer.set("fault", mistake.fault).set("remedy", mistake.remedy);
}

Error mistakes_found(Context& context, const std::vector<app::Mistake>& mistakes, const std::filesystem::path& file) {
  for (const app::Mistake& mistake : mistakes) {
    context.out.object(mistake_as_json(mistake, file));
    if (!context.out.json()) context.out.say(app::to_string(mistake, file));
  }
  const std::string count = mistakes.size() == 1 ? "1 mistake" : std::to_string(mistakes.size()) + " mistakes";
  return {Remedy::stop_node, Code::config_invalid, count + " in the configuration " + file.string() + "."};
}

Result<int> check(Context& context, const Arguments&) {
  const auto file = context.config_file();
  OMRSYNC_TRY(checked, app::load_config(file));
  if (!checked.config) return mistakes_found(context, checked.mistakes, file);
  if (const auto& policy_file = checked.config->policy_file; !policy_file.empty()) {
    OMRSYNC_TRY(policy, app::load_policy(policy_file));
    if (!policy.policy) return mistakes_found(context, policy.mistakes, policy_file);
  }
  Json answer;
  answer.set("schema", "omrsync/config-check/1").set("file", file.string()).set("valid", true);
  context.out.object(answer.set("role", checked.config->role()));
  context.out.line(file.string() + ": no mistakes; a " + std::string(checked.config->role()) + ".");
  return exit_code::kDone;
}

Result<int> show(Context& context, const Arguments& arguments) {
  const auto file = context.config_file();
  OMRSYNC_TRY(document, app::config_as_json(file, !arguments.has("--set-only")));
  context.out.object(document);
  for (const app::KeySpec& key : app::all_keys()) {
    const Json value = app::value_at(document, key.key);
    if (!value.is_null()) context.out.line(std::string(key.key) + " = " + to_string(value));
  }
  return exit_code::kDone;
}

Result<const app::KeySpec*> key_named(const std::string& name) {
  if (const app::KeySpec* key = app::find_key(name)) return key;
  std::vector<std::string> names;
  for (const app::KeySpec& key : app::all_keys()) names.emplace_back(key.key);
  const auto near = admin::suggest(name, names);
  return Error{Remedy::stop_node, Code::not_found,
               "There is no key " + name + "." + (near ? " Did you mean " + *near + "?" : "")};
}

Json key_as_json(const app::KeySpec& key) {
  Json answer;
  answer.set("schema", "omrsync/config-key/1").set("key", key.key).set("type", app::kind_name(key.kind));
  answer.set("required", key.required).set("default", key.fallback.empty() ? Json() : Json(key.fallback));
  answer.set("choices", key.choices.empty() ? Json() : Json(key.choices)).set("example", key.example);
  return answer.set("meaning", key.sentence).set("reload", key.reloads);
}

Result<int> explain(Context& context, const Arguments& arguments) {
  const auto name = arguments.text("key");
  if (!name) {
    for (const app::KeySpec& key : app::all_keys()) {
      context.out.object(key_as_json(key));
      context.out.line(app::explain(key));
    }
    return exit_code::kDone;
  }
  OMRSYNC_TRY(key, key_named(*name));
  context.out.object(key_as_json(*key));
  context.out.line(app::explain(*key));
  return exit_code::kDone;
}

Result<int> set(Context& context, const Arguments& arguments) {
  const auto file = context.config_file();
  OMRSYNC_TRY(document, app::read_json_file(*arguments.text("--from")));
  OMRSYNC_TRY(mistakes, app::set_config(file, document, arguments.has("--merge"), context.options.dry_run));
  if (!mistakes.empty()) return mistakes_found(context, mistakes, file);
  Json answer;
  answer.set("schema", "omrsync/config-set/1").set("file", file.string()).set("changed", !context.options.dry_run);
  context.out.object(answer);
  context.out.say(context.options.dry_run ? "No mistakes; nothing was changed (--dry-run)."
                                          : "Set. What stood there before is in " + file.string() + ".previous");
  return exit_code::kDone;
}

Result<int> reference(Context& context, const Arguments&) {
  Json answer;
  context.out.object(answer.set("schema", "omrsync/help/1").set("text", app::reference_page()));
  std::string page = app::reference_page();
  page.pop_back();
  context.out.line(page);
  return exit_code::kDone;
}

}  // namespace

std::vector<CommandSpec> config_commands() {
  return {
      {"config check",
       "Names every mistake with its line and what to do.",
       "omrsync --config /etc/omrsync/omrsync.toml config check",
       {},
       {},
       check},
      {"config show",
       "The configuration in force; with --json in the shape that 'config set' takes.",
       "omrsync config show --json",
       {{"--set-only", "", "Without the keys that have their default."}},
       {},
       show},
      {"config explain",
       "What a key means, its type, default and an example.",
       "omrsync config explain parent.max_rate",
       {},
       {{"key", "Section and key; without it: all.", false}},
       explain},
      {"config set",
       "Replaces the configuration by a JSON document, as a whole or not at all.",
       "omrsync config set --from new.json",
       {{"--from", "FILE", "The document, in the shape of 'config show --json'.", true},
        {"--merge", "", "Change only what the document names; null removes a key."}},
       {},
       set},
      {"config reference", "The page docs/configuration.md.", "omrsync config reference", {}, {}, reference},
  };
}

}  // namespace omrsync::cli
