#include "adapters/mysql/binlog_position.h"

#include <array>
#include <charconv>
#include <deque>

#include "adapters/mysql/binlog_parser.h"
#include "adapters/mysql/binlog_transport.h"

namespace omrsync::mysql {
namespace {

constexpr std::uint32_t kOtherReader = 0x40000000;  // tells our second reader of a server from the first

Error foreign() {
  return {Remedy::set_aside, Code::capture_position_foreign,
          "another transaction is at the stored position of the log"};
}

std::optional<std::uint64_t> number(const Cell& cell) {
  std::uint64_t value = 0;
  if (!cell) return std::nullopt;
  const auto [end, error] = std::from_chars(cell->data(), cell->data() + cell->size(), value);
  if (error != std::errc{} || end != cell->data() + cell->size()) return std::nullopt;
  return value;
}

}  // namespace

Result<LogPosition> log_end(Connection& connection) {
  auto status = connection.rows("SHOW MASTER STATUS");
  if (!status && connection.last_error() == 1064) status = connection.rows("SHOW BINARY LOG STATUS");  // MySQL 8.4
  if (!status) return status.error();
  if (status->empty() || status->front().size() < 2 || !status->front()[0] || !number(status->front()[1]))
    return Error{Remedy::retry_later, Code::db_setting_wrong, "the server keeps no binary log"};
  LogPosition position{*status->front()[0], *number(status->front()[1]), "", 0};
  if (auto gtid = connection.value("SELECT @@gtid_binlog_pos"); gtid && *gtid) position.gtid = **gtid;
  return position;
}

Result<LogPosition> begin_snapshot_at(Connection& connection) {
  OMRSYNC_CHECK(connection.begin_snapshot());
  auto status = connection.rows("SHOW SESSION STATUS LIKE 'binlog_snapshot%'");
  LogPosition position;
  bool placed = false;
  if (status) {
    for (const Row& row : *status) {
      if (row[0] == "Binlog_snapshot_file") position.file = row[1].value_or("");
      if (row[0] != "Binlog_snapshot_position") continue;
      position.offset = number(row[1]).value_or(0);
      placed = true;
    }
    if (placed && !position.file.empty()) return position;
  }
  OMRSYNC_CHECK(connection.rollback());
  if (!status) return status.error();
  return Error{Remedy::retry_later, Code::db_refused, "the server does not tell where in its log a snapshot is"};
}

Fingerprint fingerprint_of(const Begin& begin) {
  return {begin.server_id, begin.file, begin.offset, begin.timestamp, begin.crc};
}

std::string to_string(const Fingerprint& fingerprint) {
  std::array<char, 8> crc{};
  const auto end = std::to_chars(crc.data(), crc.data() + crc.size(), fingerprint.crc, 16).ptr;
  return std::to_string(fingerprint.server_id) + " " + fingerprint.file + " " + std::to_string(fingerprint.offset) +
         " " + std::to_string(fingerprint.timestamp) + " " + std::string(crc.data(), end);
}

std::optional<Fingerprint> parse_fingerprint(std::string_view text) {
  Fingerprint found;
  const auto take = [&](auto& value, int base, char stop) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    const auto used = static_cast<std::size_t>(end - text.data());
    if (error != std::errc{}) return false;
    if (stop == '\0') return used == text.size();
    if (used == text.size() || text[used] != stop) return false;
    text.remove_prefix(used + 1);
    return true;
  };
  if (!take(found.server_id, 10, ' ')) return std::nullopt;
  const std::size_t blank = text.find(' ');
  if (blank == 0 || blank == std::string_view::npos) return std::nullopt;
  found.file = text.substr(0, blank);
  text.remove_prefix(blank + 1);
  if (!take(found.offset, 10, ' ') || !take(found.timestamp, 10, ' ') || !take(found.crc, 16, '\0'))
    return std::nullopt;
  return found;
}

Status verify_fingerprint(const ReaderOptions& options, const Fingerprint& fingerprint) {
  BinlogTransport::Start start;
  start.file = fingerprint.file;
  start.offset = fingerprint.offset;
  start.replica_id = options.replica_id ^ kOtherReader;
  start.wait = false;
  start.silence = options.silence;
  OMRSYNC_TRY(transport, BinlogTransport::open(options.connection, start));
  BinlogParser parser({}, {fingerprint.file, fingerprint.offset, "", 0});
  std::deque<LogEvent> events;
  while (events.empty()) {
    const auto packet = transport->next(options.silence);
    if (!packet) {
      // In the middle of an event, or behind the end, the server finds nothing that it could send.
      return packet.error().code == Code::capture_log_broken ? Status(foreign()) : Status(packet.error());
    }
    if (packet->kind == BinlogTransport::Packet::Kind::end) return foreign();
    if (packet->kind == BinlogTransport::Packet::Kind::none)
      return Error{Remedy::reconnect, Code::db_connection_lost, "the database sent no sign of life"};
    if (!parser.feed(packet->event, events)) return foreign();
  }
  const auto* begin = std::get_if<Begin>(&events.front());
  if (begin == nullptr || fingerprint_of(*begin) != fingerprint) return foreign();
  return Done{};
}

}  // namespace omrsync::mysql
