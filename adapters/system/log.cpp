#include "adapters/system/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace omrsync::system {
namespace {

spdlog::level::level_enum level_of(ports::Level level) {
  switch (level) {
    case ports::Level::debug:
      return spdlog::level::debug;
    case ports::Level::info:
      return spdlog::level::info;
    case ports::Level::warning:
      return spdlog::level::warn;
    case ports::Level::error:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

Log::Log(ports::Level lowest)
    : logger_(std::make_unique<spdlog::logger>("omrsync", std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  logger_->set_formatter(
      std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc));
  logger_->set_level(level_of(lowest));
  logger_->flush_on(spdlog::level::trace);
}

Log::~Log() = default;

void Log::write(ports::Level level, std::string_view event, std::span<const ports::Field> fields) {
  if (!logger_->should_log(level_of(level))) return;
  logger_->log(level_of(level), spdlog::string_view_t(ports::line_of(event, fields)));
}

}  // namespace omrsync::system
