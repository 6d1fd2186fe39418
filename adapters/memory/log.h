#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "adapters/ports/log.h"

namespace omrsync::memory {

class NullLog final : public ports::Log {
 public:
  void write(ports::Level, std::string_view, std::span<const ports::Field>) override {}
};

/// Keeps every line, for tests. Thread-safe.
class RecordingLog final : public ports::Log {
 public:
  struct Line {
    ports::Level level;
    std::string event;
    std::string text;  ///< event and fields, as a sink writes them
  };

  void write(ports::Level level, std::string_view event, std::span<const ports::Field> fields) override {
    const std::scoped_lock lock(mutex_);
    lines_.push_back({level, std::string(event), ports::line_of(event, fields)});
  }

  [[nodiscard]] std::vector<Line> lines() const {
    const std::scoped_lock lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Line> lines_;
};

}  // namespace omrsync::memory
