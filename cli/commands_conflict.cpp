#include "cli/commands.h"
#include "cli/conflict_arguments.h"
#include "cli/conflict_view.h"
#include "node/admin/conflicts.h"
#include "node/admin/words.h"
#include "node/app/open.h"
#include "node/app/reveal.h"
#include "node/app/units.h"

namespace omrsync::cli {
namespace {

std::string sites_of(const admin::Conflict& conflict) {
  std::string sites;
  for (const admin::ConflictSide& side : conflict.sides) sites += (sites.empty() ? "" : ", ") + side.site;
  return sites.empty() ? "-" : sites;
}

Result<int> ls(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(filter, conflict_filter(arguments));
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(tx, store->read());
  std::vector<std::vector<std::string>> rows;
  OMRSYNC_CHECK(admin::list_conflicts(*tx, filter, [&](const admin::Conflict& conflict) {
    context.out.object(admin::to_json(conflict, false));
    rows.push_back({conflict.record.id, conflict.record.open ? conflict.waits ? "deciding" : "open" : "decided",
                    conflict.record.kind, admin::resource_of(conflict.record.root), conflict.record.group,
                    sites_of(conflict)});
  }));
  context.out.table({"ID", "STATE", "KIND", "RESOURCE", "GROUP", "SITES"}, rows, "No conflicts.");
  return exit_code::kDone;
}

Result<int> show(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(tx, store->read());
  OMRSYNC_TRY(conflict, admin::show_conflict(*tx, *arguments.text("id")));
  const bool reveal = arguments.has("--reveal");
  tx.reset();
  if (reveal) {
    OMRSYNC_CHECK(app::reveal(config, conflict));
    OMRSYNC_CHECK(admin::note_revealed(*store, conflict, app::now_ms()));
  }
  context.out.object(admin::to_json(conflict, reveal));
  for (const std::string& line : conflict_view(conflict, reveal)) context.out.line(line);
  return exit_code::kDone;
}

Result<int> stats(Context& context, const Arguments&) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(tx, store->read());
  OMRSYNC_TRY(kinds, admin::conflict_counts(*tx));
  std::vector<std::vector<std::string>> rows;
  for (const auto& [kind, counts] : kinds) {
    context.out.object(admin::to_json(kind, counts));
    rows.push_back({kind, std::to_string(counts.open), std::to_string(counts.decided), std::to_string(counts.by_rule),
                    std::to_string(counts.by_user), std::to_string(counts.undone),
                    counts.oldest_open_ms == 0 ? "-" : admin::time_text(counts.oldest_open_ms)});
  }
  context.out.table({"KIND", "OPEN", "DECIDED", "BY RULE", "BY PEOPLE", "UNDONE", "OLDEST OPEN"}, rows,
                    "No conflicts.");
  return exit_code::kDone;
}

std::vector<OptionSpec> filters_with_state() {
  std::vector<OptionSpec> options = conflict_filters();
  options.insert(options.begin(), {"--state", "STATE", "open or decided."});
  return options;
}

}  // namespace

std::vector<OptionSpec> conflict_filters() {
  return {{"--type", "TYPE", "FHIR type or table, such as Patient."},
          {"--site", "SITE", "One of the sides was written there."},
          {"--age", "TIME", "Opened longer ago, such as 7d."},
          {"--policy", "NAME", "Of this policy or rule."}};
}

Result<admin::ConflictFilter> conflict_filter(const Arguments& arguments) {
  admin::ConflictFilter filter{
      arguments.text("--state"), arguments.text("--type"), arguments.text("--site"), arguments.text("--policy"), {}};
  OMRSYNC_CHECK(admin::check(filter));
  if (const auto age = arguments.text("--age")) {
    const auto time = app::parse_duration(*age);
    if (!time) return Error{Remedy::stop_node, Code::usage, "--age needs a time with a unit, such as 7d."};
    filter.opened_before_ms = app::now_ms() - time->count();
  }
  return filter;
}

std::vector<CommandSpec> conflict_commands() {
  return {
      {"conflict ls",
       "Fields that two sites wrote without knowledge of each other.",
       "omrsync conflict ls --state open --site kitale --age 7d",
       filters_with_state(),
       {},
       ls},
      {"conflict show",
       "All sides of one conflict; values only with --reveal, which is audited.",
       "omrsync conflict show 3f2a --reveal",
       {{"--reveal", "", "Show the values."}},
       {{"id", "Id of the conflict, or its unique beginning."}},
       show},
      {"conflict stats", "How many of which kind.", "omrsync conflict stats", {}, {}, stats},
  };
}

}  // namespace omrsync::cli
