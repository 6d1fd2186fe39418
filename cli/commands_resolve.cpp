#include "cli/commands.h"
#include "cli/conflict_arguments.h"
#include "cli/conflict_view.h"
#include "cli/terminal.h"
#include "node/admin/resolve.h"
#include "node/admin/words.h"
#include "node/app/decisions.h"
#include "node/app/open.h"
#include "node/app/reveal.h"

namespace omrsync::cli {
namespace {

constexpr std::chrono::milliseconds kPatience{15'000};

Error usage(std::string message) { return {Remedy::stop_node, Code::usage, std::move(message)}; }

/// "FIELD=REST".
Result<std::pair<std::string, std::string>> assignment(const std::string& text, std::string_view option) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return usage(std::string(option) + " needs FIELD=..., not '" + text + "'.");
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

Result<admin::Resolution> resolution_from(const Arguments& arguments) {
  admin::Resolution resolution;
  resolution.take = arguments.text("--take");
  resolution.reason = arguments.text("--reason").value_or("");
  resolution.user = app::operator_name();
  resolution.now_ms = app::now_ms();
  for (const std::string& text : arguments.all("--set")) {
    OMRSYNC_TRY(pair, assignment(text, "--set"));
    resolution.set.push_back(std::move(pair));
  }
  for (const std::string& text : arguments.all("--value")) {
    OMRSYNC_TRY(pair, assignment(text, "--value"));
    auto json = parse_json(pair.second);
    if (!json) return usage("The value of " + pair.first + R"( is no JSON; write texts as '"text"'.)");
    resolution.values.emplace_back(pair.first, std::move(json).value());
  }
  return resolution;
}

void print(Context& context, const admin::Conflict& conflict) {
  context.out.object(admin::to_json(conflict, false));
  for (const std::string& line : conflict_view(conflict, false)) context.out.line(line);
  if (conflict.waits) context.out.say("The decision is written when the node runs: 'omrsync serve' or 'omrsync sync'.");
}

Result<int> one(Context& context, const app::Config& config, ports::Store& store, const Arguments& arguments) {
  OMRSYNC_TRY(resolution, resolution_from(arguments));
  if (context.options.dry_run)
    return usage("--dry-run goes with --rule; 'conflict show --reveal' shows the sides of one.");
  OMRSYNC_TRY(decided, admin::resolve_conflict(store, *arguments.text("id"), resolution));
  OMRSYNC_TRY(after, app::await_decision(config, store, decided.record.id, false, kPatience));
  print(context, after);
  return exit_code::kDone;
}

Result<int> by_rule(Context& context, const app::Config& config, ports::Store& store, const Arguments& arguments) {
  admin::BulkResolution bulk;
  OMRSYNC_TRY(filter, conflict_filter(arguments));
  bulk.filter = std::move(filter);
  const auto word = conflict::parse_word(*arguments.text("--rule"));
  if (!word || *word == conflict::Word::program || *word == conflict::Word::manual)
    return usage("'" + *arguments.text("--rule") + "' is no rule that decides; 'omrsync policy words' lists them.");
  bulk.word = *word;
  bulk.reason = arguments.text("--reason").value_or("");
  bulk.user = app::operator_name();
  bulk.now_ms = app::now_ms();
  bulk.dry_run = context.options.dry_run;
  OMRSYNC_TRY(ruled, admin::resolve_by_rule(store, bulk,
                                            [&](admin::Conflict& conflict) { return app::reveal(config, conflict); }));
  std::vector<std::vector<std::string>> rows;
  for (const admin::RuledConflict& each : ruled) {
    const bool wins = each.decision.outcome == conflict::Decision::Outcome::winner;
    Json json = admin::to_json(each.conflict, false);
    json.set("would_take", wins ? Json(to_string(each.decision.winner)) : Json()).set("why", each.decision.why);
    context.out.object(json);
    rows.push_back({each.conflict.record.id, admin::resource_of(each.conflict.record.root), each.conflict.record.group,
                    wins ? "decided" : "stays open", each.decision.why});
  }
  context.out.table({"ID", "RESOURCE", "GROUP", "", "WHY"}, rows, "No open conflict fits.");
  if (bulk.dry_run) context.out.say("Nothing was written.");
  return exit_code::kDone;
}

/// The open conflicts one by one: what each key would write is shown, and written only after y.
Result<int> interactive(Context& context, const app::Config& config, ports::Store& store, const Arguments& arguments) {
  if (context.options.json || context.options.no_input) return usage("--interactive needs a terminal and people.");
  OMRSYNC_TRY(keys, Terminal::open());
  OMRSYNC_TRY(filter, conflict_filter(arguments));
  filter.state = "open";
  std::vector<admin::Conflict> open;
  {
    OMRSYNC_TRY(tx, store.read());
    OMRSYNC_CHECK(admin::list_conflicts(*tx, filter, [&](const admin::Conflict& conflict) {
      if (conflict.sides.size() > 1) open.push_back(conflict);
    }));
  }
  for (std::size_t i = 0; i < open.size(); ++i) {
    admin::Conflict& conflict = open[i];
    OMRSYNC_CHECK(app::reveal(config, conflict));
    OMRSYNC_CHECK(admin::note_revealed(store, conflict, app::now_ms()));
    context.out.line("");
    context.out.line(std::to_string(i + 1) + " of " + std::to_string(open.size()));
    for (const std::string& line : conflict_view(conflict, true)) context.out.line(line);
    for (bool done = false; !done;) {
      OMRSYNC_TRY(key, keys.ask("\n1-" + std::to_string(conflict.sides.size()) + " take that side, n next, q quit: "));
      if (key == 'q') return exit_code::kDone;
      if (key == 'n') break;
      const auto place = static_cast<std::size_t>(key - '1');
      if (place >= conflict.sides.size()) continue;
      const admin::ConflictSide& side = conflict.sides[place];
      context.out.line("This is written to " + admin::resource_of(conflict.record.root) + ", as " + side.site +
                       " has it:");
      for (const auto& [name, text] : fields_of(side.value)) context.out.line("  " + name + " = " + text);
      if (side.deleted) context.out.line("  (removed)");
      OMRSYNC_TRY(sure, keys.ask("y write it, any other key back: "));
      if (sure != 'y') continue;
      admin::Resolution resolution{side.dot, {}, {}, "", app::operator_name(), app::now_ms()};
      OMRSYNC_TRY(decided, admin::resolve_conflict(store, conflict.record.id, resolution));
      OMRSYNC_TRY(after, app::await_decision(config, store, decided.record.id, false, kPatience));
      context.out.line(after.waits ? "It is written when the node runs." : "Written.");
      done = true;
    }
  }
  context.out.line(open.empty() ? "No conflict is open." : "That was the last one.");
  return exit_code::kDone;
}

Result<int> resolve(Context& context, const Arguments& arguments) {
  const int ways = int{arguments.has("id")} + int{arguments.has("--rule")} + int{arguments.has("--interactive")};
  if (ways != 1) return usage("Name one conflict, or --rule WORD for many, or --interactive.");
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  if (arguments.has("--rule")) return by_rule(context, config, *store, arguments);
  if (arguments.has("--interactive")) return interactive(context, config, *store, arguments);
  return one(context, config, *store, arguments);
}

Result<int> undo(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(why, resolution_from(arguments));
  OMRSYNC_TRY(undone, admin::undo_conflict(*store, *arguments.text("id"), why));
  OMRSYNC_TRY(after, app::await_decision(config, *store, undone.record.id, true, kPatience));
  print(context, after);
  return exit_code::kDone;
}

}  // namespace

std::vector<CommandSpec> resolve_commands() {
  const OptionSpec reason{"--reason", "TEXT", "Why; it is kept and travels with the decision, so no patient data."};
  std::vector<OptionSpec> options = conflict_filters();
  options.insert(
      options.end(),
      {{"--take", "SITE", "The value that was written there."},
       {"--set", "FIELD=SITE", "One field as that site has it; the others stay as shown.", false, true},
       {"--value", "FIELD=JSON", "One field as given; null empties it.", false, true},
       {"--rule", "WORD", "Every open conflict that fits, by this rule, such as parent-wins."},
       {"--interactive", "", "The open conflicts one by one, with single keys; values are shown, which is audited."},
       reason});
  return {
      {"conflict resolve",
       "Decides: the value is written here and travels everywhere as any change.",
       "omrsync conflict resolve 3f2a --take kitale --reason 'as on the paper form'",
       options,
       {{"id", "Id of the conflict, or its unique beginning.", false}},
       resolve},
      {"conflict undo",
       "Takes a decision back: the earlier value is written again.",
       "omrsync conflict undo 3f2a --reason 'the form was of another patient'",
       {{"--take", "SITE", "This site's value, where several could come back."}, reason},
       {{"id", "Id of the conflict, or its unique beginning."}},
       undo},
  };
}

}  // namespace omrsync::cli
