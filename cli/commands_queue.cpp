#include "cli/commands.h"
#include "node/admin/queue.h"
#include "node/admin/words.h"
#include "node/app/open.h"

namespace omrsync::cli {
namespace {

std::string first_of(const std::vector<std::string>& list) {
  if (list.empty()) return "-";
  return list.front() + (list.size() > 1 ? " and " + std::to_string(list.size() - 1) + " more" : "");
}

std::string code_of(const admin::QueueItem& item) {
  return item.code == 0 ? "-" : to_string(describe(static_cast<Code>(item.code)).code);
}

std::vector<std::string> row_of(const admin::QueueItem& item) {
  return {
      item.id, item.direction, item.state, first_of(item.resources), code_of(item), admin::time_text(item.since_ms)};
}

const std::vector<std::string> kHeadings = {"ID", "DIRECTION", "STATE", "WHAT", "CODE", "SINCE"};

Result<int> ls(Context& context, const Arguments& arguments) {
  const admin::QueueFilter filter{arguments.text("--state"), arguments.text("--direction"), arguments.text("--code")};
  OMRSYNC_CHECK(admin::check(filter));
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(tx, store->read());
  std::vector<std::vector<std::string>> rows;
  OMRSYNC_CHECK(admin::list_queue(*tx, filter, [&](const admin::QueueItem& item) {
    context.out.object(admin::to_json(item));
    if (!context.out.json()) rows.push_back(row_of(item));
  }));
  context.out.table(kHeadings, rows, "Nothing waits.");
  return exit_code::kDone;
}

Result<int> show(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(tx, store->read());
  OMRSYNC_TRY(items, admin::show_queue(*tx, *arguments.text("id")));
  for (const admin::QueueItem& item : items) {
    const Json json = admin::to_json(item);
    context.out.object(json);
    for (const auto& [key, value] : *json.object())
      if (key != "schema") context.out.line(key + ": " + (value.text() != nullptr ? *value.text() : to_string(value)));
  }
  return exit_code::kDone;
}

Result<int> change(Context& context, const Arguments& arguments, admin::QueueAct act) {
  admin::QueueChange change;
  change.act = act;
  change.target = {arguments.text("id"), arguments.text("--code"), arguments.has("--all")};
  change.reason = arguments.text("--reason").value_or("");
  change.now_ms = app::now_ms();
  change.dry_run = context.options.dry_run;
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(items, admin::change_queue(*store, change));
  std::vector<std::vector<std::string>> rows;
  for (const admin::QueueItem& item : items) {
    context.out.object(admin::to_json(item));
    rows.push_back(row_of(item));
  }
  context.out.table(kHeadings, rows, "Nothing fits; nothing was changed.");
  return exit_code::kDone;
}

Result<int> retry(Context& context, const Arguments& arguments) {
  return change(context, arguments, admin::QueueAct::retry);
}
Result<int> hold(Context& context, const Arguments& arguments) {
  return change(context, arguments, admin::QueueAct::hold);
}
Result<int> release(Context& context, const Arguments& arguments) {
  return change(context, arguments, admin::QueueAct::release);
}
Result<int> discard(Context& context, const Arguments& arguments) {
  if (!context.options.yes && !context.options.dry_run) {
    return Error{
        Remedy::stop_node, Code::usage,
        "A discarded change set is not applied here; its sender keeps its own copy. Say --yes if you mean it."};
  }
  return change(context, arguments, admin::QueueAct::discard);
}

}  // namespace

std::vector<CommandSpec> queue_commands() {
  const std::vector<OptionSpec> target = {{"--all", "", "Every change set that came in and waits."},
                                          {"--code", "CODE", "Those that failed with this code."}};
  const std::vector<OperandSpec> any = {{"id", "Id of a change set, or its unique beginning.", false}};
  const std::vector<OperandSpec> one = {{"id", "Id of a change set, or its unique beginning."}};
  const std::vector<OptionSpec> why = {{"--reason", "TEXT", "Why; goes into the audit."}};
  return {
      {"queue ls",
       "Change sets that are not done with.",
       "omrsync queue ls --state quarantined",
       {{"--state", "STATE", "waiting, sent, stored, held or quarantined."},
        {"--direction", "WAY", "in or out."},
        {"--code", "CODE", "Those that failed with this code."}},
       {},
       ls},
      {"queue show", "Everything about one change set.", "omrsync queue show ID --json", {}, one, show},
      {"queue retry", "Tries held and quarantined change sets again.", "omrsync queue retry --code SYNC-3002", target,
       any, retry},
      {"queue hold", "Not tried until released.", "omrsync queue hold ID --reason 'waits for the new form'", why, one,
       hold},
      {"queue release", "Tried again.", "omrsync queue release ID", {}, one, release},
      {"queue discard", "Never applied here; its sender is told.",
       "omrsync queue discard ID --yes --reason 'sent twice'", why, one, discard},
  };
}

}  // namespace omrsync::cli
