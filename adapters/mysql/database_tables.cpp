#include "adapters/mysql/database_tables.h"

#include <utility>

namespace omrsync::mysql {
namespace {

bool is_numeric(ValueKind kind) {
  switch (kind) {
    case ValueKind::integer:
    case ValueKind::real32:
    case ValueKind::real64:
    case ValueKind::decimal:
    case ValueKind::year:
    case ValueKind::bits:
    case ValueKind::enumeration:
    case ValueKind::set:
      return true;
    default:
      return false;
  }
}

/// [-]digits[.digits][e[+-]digits], and nothing that SQL could take for an expression.
bool is_number(std::string_view text) {
  const auto digits = [&] {
    std::size_t count = 0;
    while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
    text.remove_prefix(count);
    return count > 0;
  };
  const auto skip = [&](std::string_view any) {
    const bool there = !text.empty() && any.find(text.front()) != std::string_view::npos;
    if (there) text.remove_prefix(1);
    return there;
  };
  if (text.size() > 100) return false;
  skip("-");
  if (!digits()) return false;
  if (skip(".") && !digits()) return false;
  if (skip("eE")) {
    skip("+-");
    if (!digits()) return false;
  }
  return text.empty();
}

SqlTable sql_table(const openmrs::Model& model, const openmrs::TablePlan& plan) {
  SqlTable table;
  table.plan = &plan;
  table.name = quote_identifier(plan.table->name);
  for (const openmrs::Column& column : plan.table->columns) {
    const ValueKind kind = kind_of(column.sql_type);
    const bool travels = model.exclusion(plan.table->name, column.name) == nullptr;
    table.kinds.push_back(kind);
    table.names.push_back(quote_identifier(column.name));
    if (!table.select.empty()) table.select += ", ";
    table.select += travels ? select_expression(column.name, kind) : "NULL";
  }
  return table;
}

}  // namespace

Compiled::Compiled(std::shared_ptr<const openmrs::Model> model, const KeyedHash& keyed)
    : plans(std::move(model)), hash(keyed) {
  for (const auto& plan : plans.all()) tables_.push_back(sql_table(plans.model(), *plan));
}

void to_canonical(const SqlTable& table, Row& row) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    const ValueKind kind = table.kinds[i];
    if (!row[i] || kind == ValueKind::text || kind == ValueKind::bytes) continue;
    row[i] = canonical_from_sql(kind, std::move(*row[i]));
  }
}

std::optional<std::string> literal(ValueKind kind, std::string_view text) {
  if (kind == ValueKind::bytes) return quote_bytes(text);
  if (!is_numeric(kind)) return quote_text(text);
  if (!is_number(text)) return std::nullopt;
  return std::string(text);
}

std::string in_list(ValueKind kind, std::span<const std::string_view> texts) {
  std::string list;
  for (const std::string_view text : texts) {
    const auto value = literal(kind, text);
    if (!value) continue;
    list.append(list.empty() ? "(" : ",").append(*value);
  }
  return list.empty() ? "(NULL)" : list + ")";
}

}  // namespace omrsync::mysql
