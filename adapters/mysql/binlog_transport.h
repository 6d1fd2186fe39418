#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/mysql/connection.h"
#include "protocol/result.h"

namespace omrsync::mysql {

/// The replication protocol below the events: asks the server for its log and hands out packets. Used by one thread.
class BinlogTransport {
 public:
  struct Start {
    std::string file;
    std::uint64_t offset = 4;
    std::string gtid;  ///< used where there is no file
    std::uint32_t replica_id = 0;
    bool wait = true;
    std::chrono::milliseconds heartbeat{1000};
    std::chrono::milliseconds silence{10000};
  };
  struct Packet {
    enum class Kind { event, end, none };
    Kind kind = Kind::none;
    std::string_view event;  ///< valid until the next call
  };

  [[nodiscard]] static Result<std::unique_ptr<BinlogTransport>> open(const ConnectionOptions& options,
                                                                     const Start& start);
  ~BinlogTransport();
  BinlogTransport(const BinlogTransport&) = delete;
  BinlogTransport& operator=(const BinlogTransport&) = delete;

  /// `none` when nothing came within `patience`.
  Result<Packet> next(std::chrono::milliseconds patience);

 private:
  struct State;
  explicit BinlogTransport(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace omrsync::mysql
