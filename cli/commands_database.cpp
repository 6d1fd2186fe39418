#include <map>

#include "cli/commands.h"
#include "node/app/config.h"
#include "node/app/database_tasks.h"
#include "node/app/doctor.h"

namespace omrsync::cli {
namespace {

Result<int> doctor(Context& context, const Arguments&) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  std::map<app::Check::State, int> counts;
  app::Check worst;
  app::run_checks(config, [&](const app::Check& check) {
    ++counts[check.state];
    if (check.state == app::Check::State::failed && counts[check.state] == 1) worst = check;
    context.out.object(app::to_json(check));
    const char* word = check.state == app::Check::State::ok        ? "ok      "
                       : check.state == app::Check::State::warning ? "warning "
                                                                   : "FAILED  ";
    context.out.line(word + check.name + ": " + check.message);
    if (!check.remedy.empty()) context.out.line("          " + check.remedy + " (" + to_string(check.code) + ")");
  });
  if (counts[app::Check::State::failed] > 0)
    return context.out.failure({Remedy::stop_node, worst.code, worst.name + ": " + worst.message}, exit_code::kFailed);
  return counts[app::Check::State::warning] > 0 ? exit_code::kAttention : exit_code::kDone;
}

Result<int> grants(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(statements,
              app::grant_statements(config, arguments.text("--host").value_or(""), !arguments.has("--mysql")));
  for (const std::string& statement : statements) {
    Json json;
    context.out.object(json.set("schema", "omrsync/grant/1").set("sql", statement));
    context.out.line(statement + ";");
  }
  return exit_code::kDone;
}

Result<int> init(Context& context, const Arguments&) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  if (!context.options.dry_run) OMRSYNC_CHECK(app::init_database(config));
  Json json;
  const std::string schema = config.openmrs ? config.openmrs->marker_schema : "";
  json.set("schema", "omrsync/db-init/1").set("marker_schema", schema).set("done", !context.options.dry_run);
  context.out.object(json);
  context.out.line((context.options.dry_run ? "Would make the schema " : "The schema is there: ") + schema);
  return exit_code::kDone;
}

Result<int> coverage(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  const auto only = arguments.text("--state");
  std::vector<std::vector<std::string>> rows;
  OMRSYNC_CHECK(app::coverage(config, [&](const app::ColumnCoverage& column) {
    if (only && column.state != *only) return;
    context.out.object(app::to_json(column));
    if (!context.out.json())
      rows.push_back({column.table, column.column, column.state, column.root, column.group, column.reason});
  }));
  context.out.table({"TABLE", "COLUMN", "STATE", "ROOT", "GROUP", "REASON"}, rows, "No column.");
  return exit_code::kDone;
}

}  // namespace

std::vector<CommandSpec> database_commands() {
  return {
      {"doctor",
       "Looks for everything that could be wrong, and says what to do. Ends with 0, 7 (warnings) or 1.",
       "omrsync --config /etc/omrsync/omrsync.toml doctor",
       {},
       {},
       doctor},
      {"db grants",
       "The SQL that makes the account with the least privileges.",
       "omrsync db grants --print | mariadb -u root",
       {{"--print", "", "Print it (the only thing it does)."},
        {"--host", "HOST", "From where the account logs in."},
        {"--mysql", "", "For MySQL instead of MariaDB."}},
       {},
       grants},
      {"db init", "Makes omrsync's own small schema beside OpenMRS's.", "omrsync db init", {}, {}, init},
      {"mapping coverage",
       "Each column of the live database: how it travels, or why not.",
       "omrsync mapping coverage --state excluded",
       {{"--state", "STATE", "Only mapped, residual, identity or excluded."}},
       {},
       coverage},
  };
}

}  // namespace omrsync::cli
