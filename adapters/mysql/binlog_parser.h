#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adapters/mysql/binlog_bytes.h"
#include "adapters/mysql/binlog_event.h"
#include "adapters/mysql/row_decoder.h"
#include "protocol/result.h"

namespace omrsync::mysql {

struct ParserOptions {
  std::vector<std::string> schemas;  ///< watched; what concerns only others is passed over
  SchemaLookup lookup;               ///< for servers without binlog_row_metadata=FULL; may be empty
  bool verify_checksums = true;
};

/// Turns the log's events, as bytes with header, into LogEvents. Keeps table maps and the place in the log, never rows.
/// Knows the events of MariaDB 10 and 11 and of MySQL 5.7 and 8 (the latter unverified). Any bytes are safe.
class BinlogParser {
 public:
  /// `start`: where the first event comes from, as far as known; its GTID list is carried on.
  BinlogParser(ParserOptions options, const LogPosition& start);

  /// Appends what `event` means to `out`. After a failure (capture_log_broken, `reconnect`) the parser is spent.
  Status feed(std::string_view event, std::deque<LogEvent>& out);

  /// Everything before is read and nothing after it has begun; where reading can start again. Never goes back.
  [[nodiscard]] const LogPosition& read_through() const noexcept { return read_through_; }

 private:
  struct Header {
    std::uint32_t timestamp = 0;
    std::uint8_t type = 0;
    std::uint32_t server_id = 0;
    std::uint64_t start = 0;  ///< offsets in the file; 0 for an event that the server made up
    std::uint64_t end = 0;
    std::uint16_t flags = 0;
    bool artificial = false;
    std::uint32_t crc = 0;
  };
  struct Group {
    std::string gtid;
    std::uint32_t timestamp = 0;
    std::string xid;
    bool began = false;       ///< its BEGIN, real or implied, was seen
    bool standalone = false;  ///< one statement, without an end of its own
  };
  struct KnownTable {
    std::string body;
    std::shared_ptr<const TableMap> map;  ///< null: not watched
  };
  using Out = std::deque<LogEvent>;

  Status read_header(std::string_view event, Header& header, std::string_view& body);
  Status dispatch(const Header& header, std::string_view body, Out& out);
  void on_rotate(const Header& header, std::string_view body, Out& out);
  void on_heartbeat(const Header& header, std::string_view body, Out& out);
  void on_format(const Header& header, std::string_view body, Out& out);
  void on_gtid_list(std::string_view body);
  void on_gtid(const Header& header, std::string_view body, Out& out);
  void on_mysql_gtid(const Header& header, std::string_view body, Out& out);
  Status on_query(const Header& header, std::string_view body, Out& out);
  void on_statement(const Header& header, std::string_view sql, std::string_view schema, Out& out);
  void on_xa_prepare(const Header& header, std::string_view body, Out& out);
  Status on_table_map(std::string_view body);
  Status on_rows(const Header& header, std::string_view body, Out& out);

  void begin(const Header& header, Group group, Out& out);
  void commit(const Header& header, Out& out);
  void abandon(Out& out);
  void add_statement(std::string_view sql, std::string_view schema, Out& out) const;
  [[nodiscard]] bool watched(std::string_view schema) const;
  [[nodiscard]] LogPosition here() const;
  void pass();

  ParserOptions options_;
  std::string file_;
  std::uint64_t offset_ = 0;
  GtidList gtids_;
  std::string gtid_text_;
  bool gtids_known_ = false;
  LogPosition read_through_;
  bool checksummed_ = false;
  LogDialect dialect_ = LogDialect::mariadb;
  std::optional<Group> group_;
  std::unordered_map<std::uint64_t, KnownTable> tables_;
};

/// What MariaDB's log compression made; nothing when the bytes are not that. `compressed` starts with its header byte.
[[nodiscard]] std::optional<std::string> inflate_log(std::string_view compressed);

/// CRC-32 as the log has it.
[[nodiscard]] std::uint32_t log_crc(std::string_view bytes);

}  // namespace omrsync::mysql
