#pragma once

#include <memory>

#include "adapters/ports/log.h"

namespace spdlog {
class logger;
}

namespace omrsync::system {

/// Lines on stderr: "2026-05-18T06:30:00.123Z info capture.started source=binlog rows=12".
class Log final : public ports::Log {
 public:
  /// Lines below `lowest` are left out.
  explicit Log(ports::Level lowest = ports::Level::info);
  ~Log() override;

  void write(ports::Level level, std::string_view event, std::span<const ports::Field> fields) override;

 private:
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace omrsync::system
