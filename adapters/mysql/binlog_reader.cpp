#include "adapters/mysql/binlog_reader.h"

#include <algorithm>
#include <chrono>
#include <deque>

#include "adapters/mysql/binlog_parser.h"
#include "adapters/mysql/binlog_transport.h"

namespace omrsync::mysql {
namespace {

constexpr std::uint64_t kFirstEvent = 4;              // after the file's magic number
constexpr std::uint64_t kHighestOffset = 0xFFFFFFFF;  // that the protocol can name

Result<std::string> oldest_log(const ConnectionOptions& options) {
  OMRSYNC_TRY(connection, Connection::open(options));
  OMRSYNC_TRY(file, connection->value("SHOW BINARY LOGS"));
  if (!file) return Error{Remedy::retry_later, Code::db_setting_wrong, "the server keeps no binary log"};
  return *file;
}

}  // namespace

struct BinlogReader::State {
  std::unique_ptr<BinlogTransport> transport;
  BinlogParser parser;
  LogPosition read_through;
  std::deque<LogEvent> ready;

  /// The oldest event not yet handed out.
  LogEvent pop() {
    LogEvent event = std::move(ready.front());
    ready.pop_front();
    if (ready.empty()) read_through = parser.read_through();
    return event;
  }
};

BinlogReader::BinlogReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
BinlogReader::~BinlogReader() = default;

Result<std::unique_ptr<BinlogReader>> BinlogReader::open(const ReaderOptions& options, const LogPosition& from) {
  LogPosition start = from;
  if (start.file.empty() && start.gtid.empty()) {
    OMRSYNC_TRY(oldest, oldest_log(options.connection));
    start.file = std::move(oldest);
    start.offset = kFirstEvent;
  }
  const bool by_gtid = start.file.empty() || (start.offset > kHighestOffset && !start.gtid.empty());
  BinlogTransport::Start request;
  request.file = by_gtid ? std::string() : start.file;
  request.offset = by_gtid ? kFirstEvent : std::max(start.offset, kFirstEvent);
  request.gtid = start.gtid;
  request.replica_id = options.replica_id;
  request.wait = options.wait;
  request.heartbeat = options.heartbeat;
  request.silence = options.silence;
  OMRSYNC_TRY(transport, BinlogTransport::open(options.connection, request));
  ParserOptions parsing{options.schemas, options.lookup, true};
  return std::unique_ptr<BinlogReader>(new BinlogReader(
      std::make_unique<State>(State{std::move(transport), BinlogParser(std::move(parsing), start), start, {}})));
}

Result<std::optional<LogEvent>> BinlogReader::next(std::chrono::milliseconds patience) {
  using Kind = BinlogTransport::Packet::Kind;
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + patience;
  while (state_->ready.empty()) {
    OMRSYNC_TRY(packet, state_->transport->next(patience));
    if (packet.kind == Kind::none) return std::optional<LogEvent>{};
    if (packet.kind == Kind::end) return std::optional<LogEvent>(LogEnd{read_through()});
    OMRSYNC_CHECK(state_->parser.feed(packet.event, state_->ready));
    if (!state_->ready.empty()) break;
    state_->read_through = state_->parser.read_through();
    // Others' transactions must not keep the caller here.
    patience = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    if (patience.count() < 0) return std::optional<LogEvent>{};
  }
  return std::optional<LogEvent>(state_->pop());
}

const LogPosition& BinlogReader::read_through() const noexcept { return state_->read_through; }

}  // namespace omrsync::mysql
