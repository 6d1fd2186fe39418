#include <array>

#include "adapters/mysql/binlog_bytes.h"
#include "adapters/mysql/row_decoder.h"
#include "adapters/mysql/row_decoder_types.h"

namespace omrsync::mysql {
namespace {

Error broken(const char* what) { return {Remedy::reconnect, Code::capture_log_broken, what}; }

unsigned metadata_bytes(std::uint8_t type) {
  switch (type) {
    case kFloat:
    case kDouble:
    case kBlob:
    case kTinyBlob:
    case kMediumBlob:
    case kLongBlob:
    case kGeometry:
    case kJson:
    case kVector:
    case kTimestamp2:
    case kDatetime2:
    case kTime2:
    case kBlobCompressed:
      return 1;
    case kBit:
    case kVarchar:
    case kVarString:
    case kNewDecimal:
    case kEnum:
    case kSet:
    case kString:
    case kVarcharCompressed:
      return 2;
    default:
      return 0;
  }
}

/// CHAR, BINARY, ENUM and SET share one type number; the metadata tells them apart.
void shape_string(LogColumn& column, unsigned first, unsigned second) {
  column.type = kString;
  column.size = second;
  if ((first & 0x30) != 0x30) {  // a CHAR of more than 255 bytes keeps two bits of its length here
    column.size = second | (((first & 0x30) ^ 0x30) << 4);
  } else if (first == kEnum || first == kSet) {
    column.type = static_cast<std::uint8_t>(first);
    column.width = second;
    return;
  }
  column.width = column.size > 255 ? 2 : 1;
}

void shape(LogColumn& column, std::string_view metadata) {
  const unsigned first = metadata.empty() ? 0 : static_cast<unsigned char>(metadata[0]);
  const unsigned second = metadata.size() < 2 ? 0 : static_cast<unsigned char>(metadata[1]);
  switch (column.type) {
    case kEnum:
    case kSet:
    case kString:
      shape_string(column, first, second);
      break;
    case kVarchar:
    case kVarString:
      column.width = (first | second << 8) > 255 ? 2 : 1;
      break;
    case kBit:
      column.width = second * 8 + first;
      break;
    case kNewDecimal:
      column.size = first;
      column.width = second;
      break;
    default:
      column.width = first;
  }
}

bool is_character(std::uint8_t type) {
  switch (type) {
    case kString:
    case kVarString:
    case kVarchar:
    case kBlob:
    case kTinyBlob:
    case kMediumBlob:
    case kLongBlob:
    case kBlobCompressed:
    case kVarcharCompressed:
    case kGeometry:
      return true;
    default:
      return false;
  }
}

bool is_numeric(std::uint8_t type, LogDialect dialect) {
  switch (type) {
    case kYear:
      return dialect == LogDialect::mariadb;
    case kTiny:
    case kShort:
    case kInt24:
    case kLong:
    case kLongLong:
    case kNewDecimal:
    case kFloat:
    case kDouble:
      return true;
    default:
      return false;
  }
}

ValueKind kind_of_character(const LogColumn& column) {
  switch (column.charset) {
    case Charset::binary:
      return ValueKind::bytes;
    case Charset::other:
      return ValueKind::unsupported;
    default:
      return ValueKind::text;
  }
}

ValueKind kind_of_column(const LogColumn& column) {
  switch (column.type) {
    case kTiny:
    case kShort:
    case kInt24:
    case kLong:
    case kLongLong:
      return ValueKind::integer;
    case kFloat:
      return column.width == 4 ? ValueKind::real32 : ValueKind::unsupported;
    case kDouble:
      return column.width == 8 ? ValueKind::real64 : ValueKind::unsupported;
    case kNewDecimal:
      return column.size <= 65 && column.size > 0 && column.width <= column.size ? ValueKind::decimal
                                                                                 : ValueKind::unsupported;
    case kDate:
    case kNewDate:
      return ValueKind::date;
    case kDatetime:
      return ValueKind::datetime;
    case kDatetime2:
      return column.width <= 6 ? ValueKind::datetime : ValueKind::unsupported;
    case kTimestamp:
      return ValueKind::timestamp;
    case kTimestamp2:
      return column.width <= 6 ? ValueKind::timestamp : ValueKind::unsupported;
    case kTime:
      return ValueKind::time;
    case kTime2:
      return column.width <= 6 ? ValueKind::time : ValueKind::unsupported;
    case kYear:
      return ValueKind::year;
    case kBit:
      return column.width <= 64 && column.width > 0 ? ValueKind::bits : ValueKind::unsupported;
    case kEnum:
      return column.width == 1 || column.width == 2 ? ValueKind::enumeration : ValueKind::unsupported;
    case kSet:
      return column.width >= 1 && column.width <= 8 ? ValueKind::set : ValueKind::unsupported;
    case kVarchar:
    case kVarString:
    case kString:
      return kind_of_character(column);
    case kBlob:
    case kTinyBlob:
    case kMediumBlob:
    case kLongBlob:
      return column.width >= 1 && column.width <= 4 ? kind_of_character(column) : ValueKind::unsupported;
    case kGeometry:
      return column.width >= 1 && column.width <= 4 ? ValueKind::bytes : ValueKind::unsupported;
    default:
      return ValueKind::unsupported;
  }
}

/// Which of the optional descriptions the log gave.
struct Given {
  bool signedness = false;
  bool charsets = false;
  bool names = false;
};

void read_signedness(Bytes bits, std::vector<LogColumn>& columns, LogDialect dialect) {
  unsigned index = 0;
  std::uint64_t byte = 0;
  for (LogColumn& column : columns) {
    if (!is_numeric(column.type, dialect)) continue;
    if (index % 8 == 0) byte = bits.little(1);
    column.is_unsigned = (byte >> (7 - index % 8) & 1) != 0;
    ++index;
  }
}

bool read_default_charset(Bytes field, std::vector<LogColumn>& columns) {
  const Charset usual = charset_of_collation(field.packed());
  std::vector<LogColumn*> characters;
  for (LogColumn& column : columns) {
    if (!is_character(column.type)) continue;
    column.charset = usual;
    characters.push_back(&column);
  }
  while (field.ok() && field.left() > 0) {
    const std::uint64_t index = field.packed();
    const std::uint64_t collation = field.packed();
    if (!field.ok() || index >= characters.size()) return false;
    characters[index]->charset = charset_of_collation(collation);
  }
  return field.ok();
}

bool read_charsets(Bytes field, std::vector<LogColumn>& columns) {
  for (LogColumn& column : columns)
    if (is_character(column.type)) column.charset = charset_of_collation(field.packed());
  return field.ok() && field.left() == 0;
}

bool read_names(Bytes field, std::vector<LogColumn>& columns) {
  for (LogColumn& column : columns) column.name = field.take(field.packed());
  return field.ok() && field.left() == 0;
}

/// False: the bytes are not what they should be.
bool read_optional(Bytes& body, std::vector<LogColumn>& columns, LogDialect dialect, Given& given) {
  enum Field : std::uint64_t { signedness = 1, default_charset = 2, column_charset = 3, column_name = 4 };
  while (body.ok() && body.left() > 0) {
    const std::uint64_t type = body.little(1);
    const Bytes field(body.take(body.packed()));
    if (!body.ok()) return false;
    switch (type) {
      case signedness:
        read_signedness(field, columns, dialect);
        given.signedness = true;
        break;
      case default_charset:
        if (!read_default_charset(field, columns)) return false;
        given.charsets = true;
        break;
      case column_charset:
        if (!read_charsets(field, columns)) return false;
        given.charsets = true;
        break;
      case column_name:
        if (!read_names(field, columns)) return false;
        given.names = true;
        break;
      default:
        break;
    }
  }
  return body.ok();
}

/// False: what is missing is not known.
bool complete(TableMap& map, const Given& given, const SchemaLookup& lookup) {
  bool wants_sign = false, wants_charset = false;
  for (const LogColumn& column : map.columns) {
    wants_sign = wants_sign || is_numeric(column.type, LogDialect::mysql);
    wants_charset = wants_charset || is_character(column.type);
  }
  if (given.names && (given.signedness || !wants_sign) && (given.charsets || !wants_charset)) return true;
  const auto known = lookup ? lookup(map.schema, map.table) : std::nullopt;
  if (!known || known->size() != map.columns.size()) return false;
  for (std::size_t i = 0; i < known->size(); ++i) {
    LogColumn& column = map.columns[i];
    if (!given.names) column.name = (*known)[i].name;
    if (!given.signedness) column.is_unsigned = (*known)[i].is_unsigned;
    if (!given.charsets && is_character(column.type)) column.charset = charset_by_name((*known)[i].charset);
  }
  return true;
}

bool read_columns(Bytes& body, TableMap& map) {
  const std::uint64_t count = body.packed();
  const std::string_view types = body.take(count);
  Bytes metadata(body.take(body.packed()));
  if (!body.ok()) return false;
  map.columns.resize(types.size());
  for (std::size_t i = 0; i < types.size(); ++i) {
    map.columns[i].type = static_cast<std::uint8_t>(types[i]);
    shape(map.columns[i], metadata.take(metadata_bytes(map.columns[i].type)));
  }
  body.take((count + 7) / 8);  // which columns may be NULL: each row says which are
  return body.ok() && metadata.ok();
}

std::optional<TableMapName> read_name(Bytes& body) {
  TableMapName name;
  name.id = body.little(6);
  body.take(2);
  name.schema = body.take(body.little(1));
  body.take(1);
  name.table = body.take(body.little(1));
  body.take(1);
  if (!body.ok()) return std::nullopt;
  return name;
}

}  // namespace

std::optional<TableMapName> peek_table_map(std::string_view body) {
  Bytes bytes(body);
  return read_name(bytes);
}

Result<TableMap> parse_table_map(std::string_view body, const SchemaLookup& lookup, LogDialect dialect) {
  Bytes bytes(body);
  const auto name = read_name(bytes);
  if (!name) return broken("a table map is too short");
  TableMap map;
  map.id = name->id;
  map.schema = name->schema;
  map.table = name->table;
  Given given;
  if (!read_columns(bytes, map)) return broken("a table map does not hold its columns");
  if (!read_optional(bytes, map.columns, dialect, given))
    map.unreadable = Code::capture_log_broken;
  else if (!complete(map, given, lookup))
    map.unreadable = Code::capture_schema_changed;
  for (LogColumn& column : map.columns) {
    column.kind = kind_of_column(column);
    if (column.kind == ValueKind::unsupported && !map.unreadable) map.unreadable = Code::mapping_unknown_column;
  }
  return map;
}

}  // namespace omrsync::mysql
