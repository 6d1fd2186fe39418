#include "adapters/mysql/binlog_parser.h"

#include <algorithm>
#include <array>

#include "adapters/mysql/binlog_event_types.h"

namespace omrsync::mysql {
namespace {

constexpr std::size_t kHeaderBytes = 19;
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kMostTables = 2000;

Error broken(const char* what) { return {Remedy::reconnect, Code::capture_log_broken, what}; }

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    text.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return text;
}

/// The same text from both events that name an XA transaction.
std::string read_xid(Bytes& in, unsigned length_width) {
  std::string xid = std::to_string(in.little(4));
  const std::uint64_t global = in.little(length_width);
  const std::uint64_t branch = in.little(length_width);
  xid.append(":").append(hex(in.take(global)));
  return xid.append(":").append(hex(in.take(branch)));
}

bool starts_with_word(std::string_view text, std::string_view upper) {
  if (text.size() < upper.size()) return false;
  for (std::size_t i = 0; i < upper.size(); ++i) {
    const char c = text[i] >= 'a' && text[i] <= 'z' ? static_cast<char>(text[i] - 32) : text[i];
    if (c != upper[i]) return false;
  }
  return true;
}

}  // namespace

BinlogParser::BinlogParser(ParserOptions options, const LogPosition& start)
    : options_(std::move(options)), file_(start.file), offset_(start.offset), read_through_(start) {
  gtids_known_ = !start.gtid.empty() && gtids_.parse(start.gtid);
  gtid_text_ = gtids_.to_string();
}

Status BinlogParser::feed(std::string_view event, std::deque<LogEvent>& out) {
  Header header;
  std::string_view body;
  OMRSYNC_CHECK(read_header(event, header, body));
  OMRSYNC_CHECK(dispatch(header, body, out));
  if (!group_) pass();
  return Done{};
}

Status BinlogParser::read_header(std::string_view event, Header& header, std::string_view& body) {
  Bytes in(event);
  header.timestamp = static_cast<std::uint32_t>(in.little(4));
  header.type = static_cast<std::uint8_t>(in.little(1));
  header.server_id = static_cast<std::uint32_t>(in.little(4));
  const std::uint64_t size = in.little(4);
  const std::uint64_t end = in.little(4);
  header.flags = static_cast<std::uint16_t>(in.little(2));
  if (!in.ok() || size != event.size()) return broken("an event in the log is cut");
  header.artificial = end == 0 || (header.flags & kFlagArtificial) != 0 || header.type == kHeartbeat;
  // What the server makes up may come with or without a checksum, before it has said which.
  bool stripped = header.type == kFormatDescription;
  if (event.size() >= kHeaderBytes + kChecksumBytes && !stripped && (checksummed_ || header.artificial)) {
    const std::string_view plain = event.substr(0, event.size() - kChecksumBytes);
    Bytes tail(event.substr(plain.size()));
    stripped = checksummed_ && !header.artificial && !options_.verify_checksums;
    if (!stripped) stripped = log_crc(plain) == tail.little(kChecksumBytes);
    if (!stripped && !header.artificial) return broken("an event in the log does not match its checksum");
    if (stripped) event = plain;
  }
  body = event.substr(kHeaderBytes);
  if (header.type == kMariadbGtid || header.type == kMysqlGtid || header.type == kAnonymousGtid)
    header.crc = log_crc(event);
  header.end = (offset_ & ~std::uint64_t{0xFFFFFFFF}) | end;  // the header has the lower half only
  if (header.end < offset_ && offset_ - header.end > 0x80000000) header.end += std::uint64_t{1} << 32;
  if (header.artificial) return Done{};
  header.start = header.end >= size ? header.end - size : 0;
  offset_ = header.end;
  return Done{};
}

Status BinlogParser::dispatch(const Header& header, std::string_view body, Out& out) {
  switch (header.type) {
    case kRotate:
      on_rotate(header, body, out);
      return Done{};
    case kHeartbeat:
      on_heartbeat(header, body, out);
      return Done{};
    case kFormatDescription:
      on_format(header, body, out);
      return Done{};
    case kMariadbGtidList:
      on_gtid_list(body);
      return Done{};
    case kMariadbGtid:
      on_gtid(header, body, out);
      return Done{};
    case kMysqlGtid:
    case kAnonymousGtid:
      on_mysql_gtid(header, body, out);
      return Done{};
    case kQuery:
    case kQueryCompressed:
    case kExecuteLoad:
      return on_query(header, body, out);
    case kXid:
      commit(header, out);
      return Done{};
    case kXaPrepare:
      on_xa_prepare(header, body, out);
      return Done{};
    case kTableMap:
      return on_table_map(body);
    case kIncident:
    case kMysqlPayload:
      out.emplace_back(Unreadable{{}, Code::db_setting_wrong});
      return Done{};
    default:
      break;
  }
  if (is_rows_event(header.type)) return on_rows(header, body, out);
  if (!is_harmless_event(header.type) && (header.flags & kFlagIgnorable) == 0)
    out.emplace_back(Unreadable{{}, Code::capture_log_broken});
  return Done{};
}

void BinlogParser::on_rotate(const Header& header, std::string_view body, Out& out) {
  Bytes in(body);
  const std::uint64_t position = in.little(8);
  const std::string_view file = in.rest();
  if (!in.ok() || file.empty()) return;
  const bool moved = !file_.empty() && file != file_;
  if (moved && header.artificial && group_) abandon(out);
  file_ = file;
  offset_ = position;
  if (moved && !group_) out.emplace_back(Rotate{here()});
}

void BinlogParser::on_heartbeat(const Header& header, std::string_view file, Out& out) {
  if (group_) return;
  if (file == file_) offset_ = std::max(offset_, header.end);  // the server may have passed over what was read before
  out.emplace_back(Heartbeat{here()});
}

void BinlogParser::on_format(const Header& header, std::string_view body, Out& out) {
  // After a crash of the server the last group of a file may have no end.
  if (group_ && !header.artificial) abandon(out);
  if (body.size() > kChecksumBytes) checksummed_ = body[body.size() - kChecksumBytes - 1] == 1;
  constexpr std::size_t kVersion = 2, kVersionBytes = 50;
  const bool mariadb = body.substr(0, kVersion + kVersionBytes).find("MariaDB") != std::string_view::npos;
  dialect_ = mariadb ? LogDialect::mariadb : LogDialect::mysql;
  tables_.clear();
}

void BinlogParser::on_gtid_list(std::string_view body) {
  if (gtids_known_) return;
  Bytes in(body);
  GtidList listed;
  for (std::uint64_t left = in.little(4) & 0x0FFFFFFF; left > 0 && in.ok(); --left) {
    const auto domain = static_cast<std::uint32_t>(in.little(4));
    const auto server = static_cast<std::uint32_t>(in.little(4));
    const std::uint64_t sequence = in.little(8);
    if (in.ok()) listed.advance(domain, server, sequence);
  }
  if (!in.ok()) return;
  gtids_ = std::move(listed);
  gtids_known_ = true;
  gtid_text_ = gtids_.to_string();
}

void BinlogParser::on_gtid(const Header& header, std::string_view body, Out& out) {
  constexpr std::uint64_t kStandalone = 1, kGroupCommit = 2, kPreparedXa = 0x40, kCompletedXa = 0x80;
  if (group_) abandon(out);
  Bytes in(body);
  const std::uint64_t sequence = in.little(8);
  const auto domain = static_cast<std::uint32_t>(in.little(4));
  const std::uint64_t flags = in.little(1);
  if ((flags & kGroupCommit) != 0) in.take(8);
  Group group;
  if ((flags & (kPreparedXa | kCompletedXa)) != 0) group.xid = read_xid(in, 1);
  group.gtid = std::to_string(domain).append("-").append(std::to_string(header.server_id));
  group.gtid.append("-").append(std::to_string(sequence));
  group.standalone = (flags & (kStandalone | kCompletedXa)) != 0;
  group.began = !group.standalone;
  gtids_.advance(domain, header.server_id, sequence);
  begin(header, std::move(group), out);
}

void BinlogParser::on_mysql_gtid(const Header& header, std::string_view body, Out& out) {
  if (group_) abandon(out);
  Group group;
  if (header.type == kMysqlGtid) {
    Bytes in(body);
    in.take(1);
    const std::string source = hex(in.take(16));
    const std::uint64_t sequence = in.little(8);
    if (source.size() == 32)
      group.gtid = source.substr(0, 8) + "-" + source.substr(8, 4) + "-" + source.substr(12, 4) + "-" +
                   source.substr(16, 4) + "-" + source.substr(20) + ":" + std::to_string(sequence);
  }
  begin(header, std::move(group), out);
}

void BinlogParser::begin(const Header& header, Group group, Out& out) {
  if (tables_.size() > kMostTables) tables_.clear();
  group.timestamp = header.timestamp;
  out.emplace_back(Begin{group.gtid, file_, header.start, header.server_id, header.timestamp, header.crc});
  group_ = std::move(group);
}

void BinlogParser::commit(const Header& header, Out& out) {
  if (!group_) return;
  gtid_text_ = gtids_.to_string();
  out.emplace_back(Commit{here(), std::move(group_->gtid), header.timestamp});
  group_.reset();
}

void BinlogParser::abandon(Out& out) {
  out.emplace_back(Rollback{here()});
  group_.reset();
}

Status BinlogParser::on_query(const Header& header, std::string_view body, Out& out) {
  Bytes in(body);
  in.take(8);
  const std::uint64_t schema_length = in.little(1);
  in.take(2);
  const std::uint64_t variables = in.little(2);
  if (header.type == kExecuteLoad) in.take(13);
  in.take(variables);
  const std::string_view schema = in.take(schema_length);
  in.take(1);
  if (!in.ok()) return broken("a statement in the log is cut");
  if (header.type != kQueryCompressed) {
    on_statement(header, in.rest(), schema, out);
    return Done{};
  }
  const auto sql = inflate_log(in.rest());
  if (!sql) return broken("a statement in the log cannot be uncompressed");
  on_statement(header, *sql, schema, out);
  return Done{};
}

void BinlogParser::on_statement(const Header& header, std::string_view sql, std::string_view schema, Out& out) {
  const bool opens = starts_with_word(sql, "BEGIN") || starts_with_word(sql, "XA START");
  if (!group_) {  // a server without GTIDs
    begin(header, Group{}, out);
  }
  if (opens) {
    group_->began = true;
  } else if (starts_with_word(sql, "XA COMMIT") || starts_with_word(sql, "XA ROLLBACK")) {
    out.emplace_back(XaDecided{group_->xid, starts_with_word(sql, "XA COMMIT")});
    commit(header, out);
  } else if (!group_->began) {
    add_statement(sql, schema, out);
    commit(header, out);
  } else if (sql == "COMMIT") {
    commit(header, out);
  } else if (sql == "ROLLBACK") {
    gtid_text_ = gtids_.to_string();
    abandon(out);
  } else if (starts_with_word(sql, "ROLLBACK")) {  // to a savepoint: some rows of this group are void
    out.emplace_back(Unreadable{{}, Code::capture_log_broken});
  } else {
    add_statement(sql, schema, out);
  }
}

void BinlogParser::add_statement(std::string_view sql, std::string_view schema, Out& out) const {
  auto statement = classify_statement(sql, schema);
  if (!statement) return;
  bool concerns = watched(statement->schema) && statement->tables.empty();
  for (const TableName& name : statement->tables) concerns = concerns || watched(name.schema);
  if (statement->tables.empty() && !concerns)  // perhaps another schema's table by its full name
    concerns = std::any_of(options_.schemas.begin(), options_.schemas.end(),
                           [&](const std::string& name) { return sql.find(name) != std::string_view::npos; });
  std::erase_if(statement->tables, [&](const TableName& name) { return !watched(name.schema); });
  if (concerns) out.emplace_back(std::move(*statement));
}

void BinlogParser::on_xa_prepare(const Header& header, std::string_view body, Out& out) {
  if (!group_) return;
  Bytes in(body);
  const bool one_phase = in.little(1) != 0;
  std::string xid = read_xid(in, 4);
  if (one_phase) return commit(header, out);
  gtid_text_ = gtids_.to_string();
  out.emplace_back(XaPrepared{here(), std::move(xid)});
  group_.reset();
}

Status BinlogParser::on_table_map(std::string_view body) {
  const auto name = peek_table_map(body);
  if (!name) return broken("a table map is too short");
  KnownTable& known = tables_[name->id];
  if (known.body == body) return Done{};
  known.body = body;
  known.map.reset();
  if (!watched(name->schema)) return Done{};
  OMRSYNC_TRY(map, parse_table_map(body, options_.lookup, dialect_));
  known.map = std::make_shared<const TableMap>(std::move(map));
  return Done{};
}

Status BinlogParser::on_rows(const Header& header, std::string_view body, Out& out) {
  constexpr std::uint64_t kNoTable = 0xFFFFFF;  // MySQL's empty event that only ends a statement
  Bytes in(body);
  const std::uint64_t id = in.little(6);
  in.take(2);
  if (has_extra_data(header.type)) {
    const std::uint64_t extra = in.little(2);
    in.take(extra < 2 ? 0 : extra - 2);
  }
  if (!in.ok()) return broken("a row event is cut");
  const auto found = tables_.find(id);
  if (found == tables_.end()) return id == kNoTable ? Status(Done{}) : broken("a row event without its table map");
  const auto& map = found->second.map;
  if (!map) return Done{};
  const RowsKind kind = kind_of_rows(header.type);
  std::string plain;
  std::string_view payload = in.rest();
  if (is_compressed_rows(header.type)) {
    const std::uint64_t columns = in.packed();
    in.take((columns + 7) / 8 * (kind == RowsKind::updated ? 2 : 1));
    const auto rows = inflate_log(in.rest());
    if (!in.ok() || !rows) return broken("a row event cannot be uncompressed");
    plain.assign(payload.substr(0, payload.size() - in.left())).append(*rows);
    payload = plain;
  }
  auto rows = decode_rows(*map, kind, payload);
  if (rows)
    out.emplace_back(Rows{map, kind, std::move(rows).value()});
  else
    out.emplace_back(Unreadable{{map->schema, map->table}, rows.error().code});
  return Done{};
}

bool BinlogParser::watched(std::string_view schema) const {
  return std::find(options_.schemas.begin(), options_.schemas.end(), schema) != options_.schemas.end();
}

LogPosition BinlogParser::here() const { return {file_, offset_, gtid_text_, 0}; }

void BinlogParser::pass() {
  if (offset_ == read_through_.offset && file_ == read_through_.file && gtid_text_ == read_through_.gtid) return;
  if (LogPosition now = here(); now >= read_through_) read_through_ = std::move(now);
}

}  // namespace omrsync::mysql
