#include <map>

#include "cli/commands.h"
#include "node/admin/conflicts.h"
#include "node/admin/words.h"
#include "node/app/open.h"
#include "node/app/reveal.h"

namespace omrsync::cli {
namespace {

std::string sites_of(const admin::Conflict& conflict) {
  std::string sites;
  for (const admin::ConflictSide& side : conflict.sides) sites += (sites.empty() ? "" : ", ") + side.site;
  return sites.empty() ? "-" : sites;
}

Result<int> ls(Context& context, const Arguments& arguments) {
  OMRSYNC_CHECK(admin::check_conflict_state(arguments.text("--state")));
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(tx, store->read());
  std::vector<std::vector<std::string>> rows;
  OMRSYNC_CHECK(admin::list_conflicts(*tx, arguments.text("--state"), [&](const admin::Conflict& conflict) {
    context.out.object(admin::to_json(conflict, false));
    rows.push_back({conflict.record.id, conflict.record.open ? "open" : "decided", conflict.record.kind,
                    admin::resource_of(conflict.record.root), conflict.record.group, sites_of(conflict)});
  }));
  context.out.table({"ID", "STATE", "KIND", "RESOURCE", "GROUP", "SITES"}, rows, "No conflicts.");
  return exit_code::kDone;
}

void print(Context& context, const Json& json) {
  for (const auto& [key, value] : *json.object()) {
    if (key == "schema" || key == "sides") continue;
    context.out.line(key + ": " + (value.text() != nullptr ? *value.text() : to_string(value)));
  }
  for (const Json& side : *json.find("sides")->array()) {
    std::string line = "side: " + std::string(side.text_of("site"));
    if (const Json* at = side.find("at"); at->text() != nullptr) line += ", " + *at->text();
    if (*side.find("shown")->boolean()) line += ", shown";
    context.out.line(line + ": " + (*side.find("deleted")->boolean() ? "deleted" : to_string(*side.find("value"))));
  }
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
  const Json json = admin::to_json(conflict, reveal);
  context.out.object(json);
  print(context, json);
  return exit_code::kDone;
}

Result<int> stats(Context& context, const Arguments&) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(tx, store->read());
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> kinds;
  OMRSYNC_CHECK(admin::list_conflicts(*tx, std::nullopt, [&](const admin::Conflict& conflict) {
    auto& [open, decided] = kinds[conflict.record.kind];
    ++(conflict.record.open ? open : decided);
  }));
  std::vector<std::vector<std::string>> rows;
  for (const auto& [kind, counts] : kinds) {
    Json json;
    json.set("schema", "omrsync/conflict-stats/1").set("kind", kind).set("open", counts.first);
    context.out.object(json.set("decided", counts.second));
    rows.push_back({kind, std::to_string(counts.first), std::to_string(counts.second)});
  }
  context.out.table({"KIND", "OPEN", "DECIDED"}, rows, "No conflicts.");
  return exit_code::kDone;
}

}  // namespace

std::vector<CommandSpec> conflict_commands() {
  return {
      {"conflict ls",
       "Fields that two sites wrote without knowledge of each other.",
       "omrsync conflict ls --state open",
       {{"--state", "STATE", "open or decided."}},
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
