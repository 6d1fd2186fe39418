#include "cli/commands.h"
#include "node/admin/load.h"
#include "node/admin/status.h"
#include "node/app/daemon.h"
#include "node/app/open.h"

namespace omrsync::cli {
namespace {

Result<int> serve(Context& context, const Arguments&) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_CHECK(app::serve(config));
  return exit_code::kDone;
}

Result<int> sync(Context& context, const Arguments& arguments) {
  admin::SyncRequest request;
  request.patient = arguments.text("--patient");
  if (const auto timeout = arguments.text("--timeout")) {
    const auto duration = app::parse_duration(*timeout);
    if (!duration) return Error{Remedy::stop_node, Code::usage, "--timeout " + duration.error().message + "."};
    request.timeout = *duration;
  }
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(answer, app::sync_once(config, request, context.options.verbose));
  context.out.object(admin::to_json(answer));
  context.out.line("captured " + std::to_string(answer.captured) + ", sent " + std::to_string(answer.sent) +
                   ", received " + std::to_string(answer.received) + ", applied " + std::to_string(answer.applied) +
                   ", merged " + std::to_string(answer.merged) + ", conflicts " + std::to_string(answer.conflicts) +
                   ", held " + std::to_string(answer.held) + ", quarantined " + std::to_string(answer.quarantined));
  return answer.held + answer.quarantined > 0 ? exit_code::kPartial : exit_code::kDone;
}

std::string text_or(const Json* value, const char* otherwise) {
  if (value == nullptr || value->is_null()) return otherwise;
  return value->text() != nullptr ? *value->text() : to_string(*value);
}

const Json* at(const Json& json, const char* section, const char* member) {
  const Json* inside = json.find(section);
  return inside == nullptr ? nullptr : inside->find(member);
}

void print_children(Context& context, const Json& json) {
  const Json* children = json.find("children");
  if (children == nullptr || children->array()->empty()) return;
  std::vector<std::vector<std::string>> rows;
  for (const Json& child : *children->array())
    rows.push_back({text_or(child.find("name"), ""), text_or(child.find("state"), ""),
                    text_or(child.find("last_seen"), "never"), text_or(child.find("waiting_down"), ""),
                    text_or(child.find("failed"), ""), text_or(child.find("conflicts"), "")});
  context.out.table({"CHILD", "STATE", "LAST SEEN", "WAITING", "FAILED", "CONFLICTS"}, rows, "");
}

void print_status(Context& context, const admin::StatusAnswer& answer) {
  const Json& json = answer.json;
  const auto say = [&](const std::string& line) { context.out.line(line); };
  say(text_or(at(json, "node", "name"), "?") + ", a " + text_or(at(json, "node", "role"), "?") + ", version " +
      text_or(at(json, "node", "version"), "?"));
  const bool running = *at(json, "daemon", "running")->boolean();
  say(running ? "daemon:    runs, process " + text_or(at(json, "daemon", "pid"), "?") : "daemon:    does not run");
  if (json.find("capture") != nullptr)
    say("capture:   " + text_or(at(json, "capture", "state"), "?") + " at " +
        text_or(at(json, "capture", "position"), "the start"));
  if (json.find("load") != nullptr)
    say("load:      " + text_or(at(json, "load", "state"), "?") + ", " + text_or(at(json, "load", "rows"), "0") +
        " of " + text_or(at(json, "load", "of"), "0") + " rows");
  if (json.find("outbox") != nullptr)
    say("outbox:    " + text_or(at(json, "outbox", "change_sets"), "0") + " change sets, oldest " +
        text_or(at(json, "outbox", "oldest"), "none"));
  say("inbox:     " + text_or(at(json, "inbox", "waiting"), "0") + " waiting, " +
      text_or(at(json, "inbox", "held"), "0") + " held, " + text_or(at(json, "inbox", "quarantined"), "0") +
      " quarantined");
  say("conflicts: " + text_or(at(json, "conflicts", "open"), "0") + " open");
  if (json.find("parent") != nullptr)
    say("parent:    " + text_or(at(json, "parent", "state"), "?") + ", last contact " +
        text_or(at(json, "parent", "last_contact"), "never") + ", " + text_or(at(json, "parent", "url"), ""));
  print_children(context, json);
  for (const std::string& why : answer.attention) say("attention: " + why);
  for (const Json& next : *json.find("next")->array()) say("next:      " + *next.text());
}

Result<int> status(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(tx, store->read());
  OMRSYNC_TRY(answer, admin::status(*tx, app::look_around(config)));
  context.out.object(answer.json);
  print_status(context, answer);
  return arguments.has("--check") && !answer.attention.empty() ? exit_code::kAttention : exit_code::kDone;
}

Result<int> load_status(Context& context, const Arguments&) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(tx, store->read());
  OMRSYNC_TRY(views, admin::load_status(*tx));
  std::vector<std::vector<std::string>> rows;
  for (const admin::LoadView& view : views) {
    context.out.object(admin::to_json(view));
    rows.push_back({admin::kind_of(view) + (view.link.empty() ? "" : " " + view.link), view.done ? "all" : view.table,
                    std::to_string(view.rows), std::to_string(view.of), view.done ? "yes" : "no",
                    view.asks_deletes ? std::to_string(*view.asks_deletes) +
                                            " gone: say 'omrsync load accept-deletes " + view.table + "'"
                                      : "-"});
  }
  context.out.table({"WHAT", "TABLE", "ROWS", "OF", "DONE", "ASKS"}, rows, "No load has begun.");
  return exit_code::kDone;
}

using LoadAct = Status (*)(ports::Store&, const std::string&, std::int64_t, bool);

Result<int> act_on_table(Context& context, const Arguments& arguments, LoadAct act, const char* done) {
  const std::string table = *arguments.text("table");
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_CHECK(act(*store, table, app::now_ms(), context.options.dry_run));
  Json json;
  json.set("schema", "omrsync/load/1").set("table", table).set("done", !context.options.dry_run);
  context.out.object(json);
  context.out.line(table + ": " + (context.options.dry_run ? "nothing was changed (--dry-run)." : done));
  return exit_code::kDone;
}

Result<int> restart(Context& context, const Arguments& arguments) {
  return act_on_table(context, arguments, admin::restart_load, "is compared with the ledger again.");
}

Result<int> accept_deletes(Context& context, const Arguments& arguments) {
  return act_on_table(context, arguments, admin::accept_deletes, "what is gone counts as deleted.");
}

}  // namespace

std::vector<CommandSpec> run_commands() {
  return {
      {"serve",
       "The daemon, in the foreground; ends at SIGTERM, reloads at SIGHUP.",
       "omrsync --config /etc/omrsync/omrsync.toml serve",
       {},
       {},
       serve},
      {"sync",
       "A round now, and wait for its end: what OpenMRS had committed is through.",
       "omrsync sync --timeout 10min",
       {{"--timeout", "TIME", "How long to wait; 10min when not said."},
        {"--patient", "UUID", "Wait for this patient's changes only."}},
       {},
       sync},
      {"status",
       "How the node stands, from local state alone.",
       "omrsync status --check",
       {{"--check", "", "End with 7 when somebody should look."}},
       {},
       status},
      {"load status", "How far first loads and comparisons are.", "omrsync load status", {}, {}, load_status},
      {"load restart",
       "Compares a table with the ledger again, row by row.",
       "omrsync load restart obs",
       {},
       {{"table", "A root table, such as obs."}},
       restart},
      {"load accept-deletes",
       "Yes, the rows of this table that are gone were deleted on purpose.",
       "omrsync load accept-deletes obs",
       {},
       {{"table", "The table that 'load status' names."}},
       accept_deletes},
  };
}

}  // namespace omrsync::cli
