#pragma once

#include <string_view>

#include "adapters/openmrs/model.h"

/// The form of OpenMRS's own database as text, for whoever has no live one to look at. A table's name, then a line a
/// column, indented: name, type, '!' not null, '+' auto increment, '=x' default, '>table[.column]' foreign key with
/// '^update' or '^delete' for its cascade; 'pk' and 'unique' last; '#' begins a comment.
namespace omrsync::openmrs {

/// OpenMRS 2.7: every table, column, key and reference.
[[nodiscard]] std::string_view openmrs_shape() noexcept;

/// `config_invalid` names the line that is not understood.
[[nodiscard]] Result<Schema> parse_shape(std::string_view text);

}  // namespace omrsync::openmrs
