#include <charconv>

#include "cli/commands.h"
#include "node/admin/audit.h"
#include "node/app/open.h"

namespace omrsync::cli {
namespace {

Result<std::uint64_t> number_of(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number == 0)
    return Error{Remedy::stop_node, Code::usage, "'" + text + "' is not a whole number above 0."};
  return number;
}

Result<int> verify(Context& context, const Arguments&) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(tx, store->read());
  OMRSYNC_TRY(verdict, admin::verify_audit(*tx));
  context.out.object(admin::to_json(verdict));
  if (verdict.first_bad) {
    return Error{Remedy::stop_node, Code::audit_broken,
                 "The audit chain breaks at record " + std::to_string(*verdict.first_bad) + "."};
  }
  context.out.line("The audit chain is whole: " + std::to_string(verdict.records) + " records.");
  return exit_code::kDone;
}

void print(Context& context, const Json& record) {
  context.out.object(record);
  if (!context.out.json()) context.out.line(to_string(record));
}

Result<int> ls(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(limit, number_of(arguments.text("--limit").value_or("100")));
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(tx, store->read());
  OMRSYNC_TRY(newest, admin::newest_audit(*tx));
  std::uint64_t from = newest > limit ? newest - limit + 1 : 1;
  if (const auto since = arguments.text("--from")) {
    OMRSYNC_TRY(number, number_of(*since));
    from = number;
  }
  OMRSYNC_CHECK(admin::list_audit(*tx, from, limit, [&](const Json& record) { print(context, record); }));
  return exit_code::kDone;
}

Result<int> show(Context& context, const Arguments& arguments) {
  OMRSYNC_TRY(number, number_of(*arguments.text("number")));
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(tx, store->read());
  bool found = false;
  OMRSYNC_CHECK(admin::list_audit(*tx, number, 1, [&](const Json& record) {
    found = *record.find("number")->integer() == static_cast<std::int64_t>(number);
    if (found) print(context, record);
  }));
  if (!found)
    return Error{Remedy::stop_node, Code::not_found, "There is no audit record " + std::to_string(number) + "."};
  return exit_code::kDone;
}

Result<int> export_all(Context& context, const Arguments&) {
  OMRSYNC_TRY(config, app::load_valid_config(context.config_file()));
  OMRSYNC_TRY(store, app::open_store(config));
  OMRSYNC_TRY(tx, store->read());
  OMRSYNC_CHECK(admin::list_audit(*tx, 1, SIZE_MAX, [&](const Json& record) { print(context, record); }));
  return exit_code::kDone;
}

}  // namespace

std::vector<CommandSpec> audit_commands() {
  return {
      {"audit verify",
       "Checks the chain; a broken one names its first bad record and ends with 10.",
       "omrsync audit verify",
       {},
       {},
       verify},
      {"audit ls",
       "The newest records.",
       "omrsync audit ls --limit 20",
       {{"--limit", "N", "How many; 100 when not said."}, {"--from", "NUMBER", "Begin at this record."}},
       {},
       ls},
      {"audit show", "One record.", "omrsync audit show 17", {}, {{"number", "Number of the record."}}, show},
      {"audit export", "All records, one a line.", "omrsync audit export > audit.ndjson", {}, {}, export_all},
  };
}

}  // namespace omrsync::cli
