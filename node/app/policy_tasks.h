#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "conflict/policy.h"
#include "node/admin/conflicts.h"
#include "protocol/result.h"

/// What the policy commands need beside the policy itself.
namespace omrsync::app {

struct KnownTable {
  std::string name;
  conflict::Kind kind = conflict::Kind::clinical;
};

/// The root tables of a FHIR type, or the one of that name: those that are declared, else those of the database that
/// `config_file` names. `not_found` when neither has it.
[[nodiscard]] Result<std::vector<KnownTable>> tables_of(const std::string& type,
                                                        const std::filesystem::path& config_file);

/// What the program says that `decision` wants asked, in words; empty where none is to be asked.
[[nodiscard]] std::string ask_program(const admin::Conflict& conflict, const conflict::View& view,
                                      const conflict::Decision& decision);

/// Who wins by this word.
[[nodiscard]] std::string_view meaning_of(conflict::Word word) noexcept;

}  // namespace omrsync::app
