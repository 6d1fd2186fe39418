#include "node/app/policy_tasks.h"

#include "adapters/openmrs/declarations.h"
#include "adapters/system/clock.h"
#include "adapters/system/program.h"
#include "conflict/decision.h"
#include "node/admin/words.h"
#include "node/app/config.h"
#include "node/app/open.h"
#include "node/app/openmrs_parts.h"
#include "node/decide/program_worker.h"
#include "node/store/facts.h"

namespace omrsync::app {
namespace {

conflict::Kind kind_of(ports::RootTable::Class kind) {
  return kind == ports::RootTable::Class::metadata ? conflict::Kind::metadata
         : kind == ports::RootTable::Class::link   ? conflict::Kind::link
                                                   : conflict::Kind::clinical;
}

bool is_meant(const std::string& type, const std::string& table) {
  return table == type || admin::type_of(table) == type;
}

Result<std::vector<KnownTable>> tables_of_database(const std::string& type, const std::filesystem::path& config_file) {
  OMRSYNC_TRY(config, load_valid_config(config_file));
  OMRSYNC_TRY(store, open_store(config));
  OMRSYNC_TRY(tx, store->read());
  OMRSYNC_TRY(identity, node::identity(*tx));
  system::Clock clock;
  OMRSYNC_TRY(parts, open_openmrs(config, identity ? *identity : node::Identity{}, *store, clock));
  OMRSYNC_TRY(all, parts.database->tables());
  std::vector<KnownTable> found;
  for (const ports::RootTable& table : all)
    if (is_meant(type, table.table)) found.push_back({table.table, kind_of(table.kind)});
  return found;
}

}  // namespace

Result<std::vector<KnownTable>> tables_of(const std::string& type, const std::filesystem::path& config_file) {
  OMRSYNC_TRY(declared, openmrs::read_declarations({}));
  std::vector<KnownTable> found;
  for (const auto& [table, root] : declared.roots)
    if (is_meant(type, table)) found.push_back({table, kind_of(root.kind)});
  if (!found.empty()) return found;
  auto live = tables_of_database(type, config_file);
  if (live && !live->empty()) return live;
  return Error{
      Remedy::stop_node, Code::not_found,
      "There is no type or table " + type +
          (live ? "." : " among those that are built in, and the database cannot be asked: " + live.error().message)};
}

std::string ask_program(const admin::Conflict& conflict, const conflict::View& view,
                        const conflict::Decision& decision) {
  if (decision.outcome != conflict::Decision::Outcome::ask) return {};
  system::ProgramRunner runner;
  const auto said = runner.run(decision.program, node::program_question(conflict.record.id, view), {});
  if (!said) return "left to people: the program: " + said.error().message;
  Group group;
  for (const admin::ConflictSide& side : conflict.sides) {
    Sibling sibling = side.sibling;
    if (side.value) sibling.value = side.value;
    group.siblings.push_back(std::move(sibling));
  }
  const auto request = node::request_from_answer({}, group, *said);
  if (!request) return "left to people: the program: " + request.error().message;
  for (const admin::ConflictSide& side : conflict.sides)
    if (request->take == side.sibling.dot) return "the program takes " + side.site;
  return "the program gives a value";
}

std::string_view meaning_of(conflict::Word word) noexcept {
  switch (word) {
    case conflict::Word::safe:
      return "the built-in rules decide";
    case conflict::Word::parent_wins:
      return "the side written nearest the root of the tree";
    case conflict::Word::child_wins:
      return "the side written farthest from the root";
    case conflict::Word::newest_wins:
      return "the latest, if every clock is known to be right and the times do not overlap";
    case conflict::Word::owner_site_wins:
      return "the side of the site that registered the record, or of a node below it";
    case conflict::Word::field_merge:
      return "nobody: different fields merge by themselves, one field written twice goes to else";
    case conflict::Word::set_union:
      return "a row that one side removed and another changed stays";
    case conflict::Word::adds_information:
      return "the side that has all that the others have, if nobody took anything away";
    case conflict::Word::shown_wins:
      return "what stands at the parent, and everybody sees already, stays";
    case conflict::Word::program:
      return "what a program of the site says";
    case conflict::Word::manual:
      return "a person decides";
  }
  return "";
}

}  // namespace omrsync::app
