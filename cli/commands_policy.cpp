#include <filesystem>

#include "cli/commands.h"
#include "node/admin/conflicts.h"
#include "node/admin/words.h"
#include "node/app/open.h"
#include "node/app/policy_file.h"
#include "node/app/policy_tasks.h"
#include "node/app/reveal.h"

namespace omrsync::cli {
namespace {

using PolicyPtr = std::shared_ptr<const conflict::Policy>;

/// The file that is meant: --file, else what the configuration names. Empty: the built-in rules.
Result<std::filesystem::path> policy_path(Context& context, const Arguments& arguments) {
  if (const auto file = arguments.text("--file")) return std::filesystem::absolute(*file);
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  return config.policy_file;
}

Result<PolicyPtr> policy_meant(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(path, policy_path(context, arguments));
  app::Config only;
  only.policy_file = path;
  return app::load_valid_policy(only);
}

Result<int> check(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(path, policy_path(context, arguments));
  if (path.empty()) {
    context.out.object(
        Json().set("schema", "omrsync/policy-check/1").set("valid", true).set("name", "safe").set("version", 1));
    context.out.line("No policy file is named; the built-in rules count.");
    return exit_code::kDone;
  }
  OMRSYNC_TRY(checked, app::load_policy(path));
  for (const app::Mistake& mistake : checked.mistakes) {
    Json json;
    json.set("schema", "omrsync/config-mistake/1").set("file", path.string());
    json.set("line", mistake.line > 0 ? Json(mistake.line) : Json())
        .set("key", mistake.key.empty() ? Json() : Json(mistake.key));
    context.out.object(json.set("fault", mistake.fault).set("remedy", mistake.remedy));
    if (!context.out.json()) context.out.say(app::to_string(mistake, path));
  }
  if (!checked.policy) {
    const std::size_t count = checked.mistakes.size();
    return Error{
        Remedy::stop_node, Code::config_invalid,
        (count == 1 ? "1 mistake" : std::to_string(count) + " mistakes") + " in the policy " + path.string() + "."};
  }
  Json json;
  json.set("schema", "omrsync/policy-check/1").set("file", path.string()).set("valid", true);
  json.set("name", checked.policy->name)
      .set("version", checked.policy->version)
      .set("rules", checked.policy->rules.size());
  context.out.object(json);
  context.out.line(path.string() + ": no mistakes; " + checked.policy->name + "/" +
                   std::to_string(checked.policy->version) + " with " + std::to_string(checked.policy->rules.size()) +
                   " rules of its own.");
  return exit_code::kDone;
}

Json rule_json(const conflict::Rule& rule) {
  Json json;
  json.set("schema", "omrsync/policy-rule/1").set("type", rule.type).set("group", rule.group).set("site", rule.site);
  json.set("policy", to_string(rule.policy)).set("else", to_string(rule.otherwise));
  json.set("program", rule.program.empty() ? Json() : Json(rule.program));
  return json.set("line", rule.line == 0 ? Json() : Json(rule.line));
}

Result<int> show(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(policy, policy_meant(context, arguments));
  context.out.line(policy->name + "/" + std::to_string(policy->version) + "; the first rule that fits counts:");
  for (const auto* rules : {&policy->rules, &conflict::safe_rules()})
    for (const conflict::Rule& rule : *rules) {
      context.out.object(rule_json(rule));
      context.out.line("  " + describe(rule));
    }
  return exit_code::kDone;
}

Result<int> explain(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(policy, policy_meant(context, arguments));
  const std::string type = *arguments.text("type"), field = *arguments.text("field");
  OMRSYNC_TRY(tables, app::tables_of(type, context.config_file()));
  for (const app::KnownTable& table : tables) {
    std::vector<std::string_view> sites;
    const auto site = arguments.text("--site");
    if (site) sites.emplace_back(*site);
    const conflict::Rule& rule =
        conflict::rule_for(*policy, table.kind, admin::type_of(table.name), table.name, field, sites);
    context.out.object(rule_json(rule).set("table", table.name));
    context.out.line(type + ", " + field + (tables.size() > 1 ? " (table " + table.name + ")" : "") + ": " +
                     describe(rule) + ".");
  }
  return exit_code::kDone;
}

Result<int> try_it(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(policy, policy_meant(context, arguments));
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  std::vector<admin::Conflict> conflicts;
  {
    OMRSYNC_TRY(tx, store->read());
    admin::ConflictFilter filter;
    if (!arguments.has("--history")) filter.state = "open";
    OMRSYNC_CHECK(admin::list_conflicts(*tx, filter, [&](const admin::Conflict& c) {
      if (c.record.kind == "field" || c.record.kind == "first-contact") conflicts.push_back(c);
    }));
  }
  std::vector<std::vector<std::string>> rows;
  for (admin::Conflict& conflict : conflicts) {
    if (conflict.record.open) OMRSYNC_CHECK(app::reveal(config, conflict));
    OMRSYNC_TRY(tx, store->read());
    OMRSYNC_TRY(decision, admin::try_policy(*tx, conflict, *policy));
    OMRSYNC_TRY(view, admin::view_of(*tx, conflict));
    const std::string said = app::ask_program(conflict, view, decision);
    std::string site;
    for (const admin::ConflictSide& side : conflict.sides)
      if (decision.outcome == conflict::Decision::Outcome::winner && side.sibling.dot == decision.winner)
        site = side.site;
    const std::string would = !said.empty() ? said : site.empty() ? "left to people" : "takes " + site;
    Json json;
    json.set("schema", "omrsync/policy-try/1").set("conflict", conflict.record.id);
    json.set("state", conflict.record.open ? "open" : "decided")
        .set("policy", decision.policy)
        .set("rule", decision.rule);
    json.set("would_take", site.empty() ? Json() : Json(site)).set("program_said", said.empty() ? Json() : Json(said));
    context.out.object(json.set("why", decision.why));
    rows.push_back(
        {conflict.record.id, admin::resource_of(conflict.record.root), conflict.record.group, would, decision.why});
  }
  context.out.table({"ID", "RESOURCE", "GROUP", "WOULD BE", "WHY"}, rows, "No conflicts to try it on.");
  return exit_code::kDone;
}

Result<int> words(Context& context, const Arguments&) {
  std::vector<std::vector<std::string>> rows;
  for (int i = 0; i <= static_cast<int>(conflict::Word::manual); ++i) {
    const auto word = static_cast<conflict::Word>(i);
    context.out.object(Json()
                           .set("schema", "omrsync/policy-word/1")
                           .set("word", to_string(word))
                           .set("meaning", app::meaning_of(word)));
    rows.push_back({std::string(to_string(word)), std::string(app::meaning_of(word))});
  }
  context.out.table({"WORD", "WHO WINS"}, rows, "");
  return exit_code::kDone;
}

}  // namespace

std::vector<CommandSpec> policy_commands() {
  const OptionSpec file{"--file", "FILE", "This policy file instead of the configured one."};
  return {
      {"policy check",
       "Whether the policy file has mistakes, each with its line and what to do.",
       "omrsync policy check --file policy.toml",
       {file},
       {},
       check},
      {"policy show",
       "All rules in the order in which they count, the built-in ones behind.",
       "omrsync policy show",
       {file},
       {},
       show},
      {"policy explain",
       "Which rule counts for a field.",
       "omrsync policy explain Patient gender",
       {file, {"--site", "SITE", "Where one of the sides was written."}},
       {{"type", "FHIR type or table."}, {"field", "The field's group, as 'conflict ls' has it."}},
       explain},
      {"policy try",
       "What would be decided about the open conflicts; nothing is written.",
       "omrsync policy try --file new-policy.toml --history",
       {file, {"--history", "", "Of the decided ones too: what would have been decided."}},
       {},
       try_it},
      {"policy words", "The words that a rule may use.", "omrsync policy words", {}, {}, words},
  };
}

}  // namespace omrsync::cli
