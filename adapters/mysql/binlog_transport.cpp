#include "adapters/mysql/binlog_transport.h"

#include <mysql.h>
// The client library's own view of its connection, for what it has read ahead; its header leaves this word undefined.
using uchar = unsigned char;
#define HAVE_TLS 1
#include <ma_pvio.h>
#include <mariadb_rpl.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>

namespace omrsync::mysql {
namespace {

struct CloseMysql {
  void operator()(MYSQL* mysql) const noexcept { mysql_close(mysql); }
};
struct CloseReplication {
  void operator()(MARIADB_RPL* replication) const noexcept { mariadb_rpl_close(replication); }
};
using MysqlHandle = std::unique_ptr<MYSQL, CloseMysql>;
using ReplicationHandle = std::unique_ptr<MARIADB_RPL, CloseReplication>;

constexpr unsigned kLogError = 1236;
constexpr unsigned kSameReplica = 4052;

/// The server tells the kinds of log failure apart in words only.
Error log_error(std::string_view words) {
  const auto says = [&](std::string_view part) { return words.find(part) != std::string_view::npos; };
  if (says("purged") || says("too old") || says("Could not find first log file") || says("Could not find GTID state"))
    return {Remedy::set_aside, Code::capture_log_purged, "the server no longer has the log at the stored position"};
  if (says("not in the master's binlog") || says("impossible position") || says("log position") ||
      says("position > file size") || says("diverge") || says("alternate history"))
    return {Remedy::set_aside, Code::capture_position_foreign, "the server's log does not reach the stored position"};
  return {Remedy::reconnect, Code::capture_log_broken, "the server cannot read its log at the stored position"};
}

Error last_error(MYSQL* mysql, bool connecting = false) {
  const unsigned number = mysql_errno(mysql);
  if (number == kLogError) return log_error(mysql_error(mysql));
  if (number == kSameReplica)
    return {Remedy::retry_later, Code::db_connection_lost, "another reader with the same replica id took over (4052)"};
  if (number == 0) return {Remedy::reconnect, Code::db_connection_lost, "the connection to the database was lost"};
  return error_from_number(number, mysql_sqlstate(mysql), connecting);
}

void set_options(MYSQL* mysql, const ConnectionOptions& options, const BinlogTransport::Start& start) {
  const auto connect = static_cast<unsigned>(options.connect_timeout.count());
  const auto silence = static_cast<unsigned>(std::max<std::int64_t>(1, (start.silence.count() + 999) / 1000));
  mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect);
  mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &silence);
  mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &silence);
  mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  if (options.socket.empty()) {  // else "localhost" would mean the library's usual socket
    const unsigned tcp = MYSQL_PROTOCOL_TCP;
    mysql_options(mysql, MYSQL_OPT_PROTOCOL, &tcp);
  }
  if (options.tls_ca.empty()) return;
  const my_bool yes = 1;
  mysql_options(mysql, MYSQL_OPT_SSL_CA, options.tls_ca.c_str());
  mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
  mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
}

Status run(MYSQL* mysql, const std::string& sql) {
  if (mysql_real_query(mysql, sql.data(), sql.size()) != 0) return last_error(mysql);
  return Done{};
}

/// What the server must know of us before it sends its log.
Status introduce(MYSQL* mysql, const BinlogTransport::Start& start) {
  const std::string beat = std::to_string(std::chrono::nanoseconds(start.heartbeat).count());
  OMRSYNC_CHECK(run(mysql, "SET @master_binlog_checksum=@@global.binlog_checksum, @master_heartbeat_period=" + beat));
  if (std::string_view(mysql_get_server_info(mysql)).find("MariaDB") == std::string_view::npos)
    return run(mysql, "SET @source_binlog_checksum=@@global.binlog_checksum, @source_heartbeat_period=" + beat);
  OMRSYNC_CHECK(run(mysql, "SET @mariadb_slave_capability=4"));
  if (!start.file.empty()) return Done{};
  return run(mysql, "SET @slave_gtid_strict_mode=1, @slave_gtid_ignore_duplicates=0, @slave_connect_state=" +
                        quote_text(start.gtid));
}

}  // namespace

struct BinlogTransport::State {
  MysqlHandle mysql;
  ReplicationHandle replication;  // declared after, so closed before
  std::chrono::milliseconds silence{0};
  std::chrono::milliseconds silent{0};
  bool ended = false;

  /// Something that a read would give without asking the socket.
  [[nodiscard]] bool read_ahead() const {
    const MARIADB_PVIO* io = mysql->net.pvio;
    if (io == nullptr) return true;
    if (io->cache != nullptr && io->cache_pos < io->cache + io->cache_size) return true;
    return io->ctls != nullptr && io->ctls->ssl != nullptr &&
           SSL_has_pending(static_cast<const SSL*>(io->ctls->ssl)) != 0;
  }

  /// False: nothing came within `patience`.
  [[nodiscard]] bool wait_readable(std::chrono::milliseconds patience) const {
    if (read_ahead()) return true;
    pollfd wait{static_cast<int>(mysql_get_socket(mysql.get())), POLLIN, 0};
    const auto timeout = static_cast<int>(std::clamp<std::int64_t>(patience.count(), 0, 3'600'000));
    const int ready = ::poll(&wait, 1, timeout);
    return ready > 0 || (ready < 0 && errno != EINTR);
  }
};

BinlogTransport::BinlogTransport(std::unique_ptr<State> state) : state_(std::move(state)) {}
BinlogTransport::~BinlogTransport() = default;

Result<std::unique_ptr<BinlogTransport>> BinlogTransport::open(const ConnectionOptions& options, const Start& start) {
  auto state = std::make_unique<State>();
  state->silence = start.silence;
  state->mysql.reset(mysql_init(nullptr));
  MYSQL* mysql = state->mysql.get();
  if (mysql == nullptr) return Error{Remedy::retry_later, Code::db_unreachable, "no memory for a connection"};
  set_options(mysql, options, start);
  const bool local = !options.socket.empty();
  if (mysql_real_connect(mysql, local ? nullptr : options.host.c_str(), options.user.c_str(), options.password.c_str(),
                         nullptr, options.port, local ? options.socket.c_str() : nullptr, 0) == nullptr)
    return last_error(mysql, true);
  OMRSYNC_CHECK(introduce(mysql, start));
  state->replication.reset(mariadb_rpl_init(mysql));
  MARIADB_RPL* replication = state->replication.get();
  if (replication == nullptr) return Error{Remedy::retry_later, Code::db_unreachable, "no memory for a connection"};
  if (!start.file.empty())
    mariadb_rpl_optionsv(replication, MARIADB_RPL_FILENAME, start.file.c_str(), start.file.size());
  mariadb_rpl_optionsv(replication, MARIADB_RPL_START, static_cast<unsigned long>(start.offset));
  mariadb_rpl_optionsv(replication, MARIADB_RPL_SERVER_ID, start.replica_id);
  mariadb_rpl_optionsv(replication, MARIADB_RPL_FLAGS, start.wait ? 0u : unsigned{MARIADB_RPL_BINLOG_DUMP_NON_BLOCK});
  if (mariadb_rpl_open(replication) != 0) return last_error(mysql);
  return std::unique_ptr<BinlogTransport>(new BinlogTransport(std::move(state)));
}

Result<BinlogTransport::Packet> BinlogTransport::next(std::chrono::milliseconds patience) {
  if (state_->ended) return Packet{};
  if (!state_->wait_readable(patience)) {
    state_->silent += std::max(patience, std::chrono::milliseconds(1));
    if (state_->silent <= state_->silence) return Packet{};
    return Error{Remedy::reconnect, Code::db_connection_lost, "the database sent no sign of life"};
  }
  state_->silent = std::chrono::milliseconds(0);
  MYSQL* mysql = state_->mysql.get();
  const unsigned long length = mysql_net_read_packet(mysql);
  if (length == packet_error || length == 0) return last_error(mysql);
  const std::string_view packet(reinterpret_cast<const char*>(mysql->net.read_pos), length);
  const auto marker = static_cast<unsigned char>(packet[0]);
  if (marker == 0) return Packet{Packet::Kind::event, packet.substr(1)};
  if (marker == 0xFE && length < 9) {
    state_->ended = true;
    return Packet{Packet::Kind::end, {}};
  }
  return Error{Remedy::reconnect, Code::capture_log_broken, "the server sent something that is no log event"};
}

}  // namespace omrsync::mysql
