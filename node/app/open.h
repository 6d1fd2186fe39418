#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "adapters/ports/exchange.h"
#include "adapters/ports/store.h"
#include "node/app/config.h"
#include "protocol/json.h"
#include "protocol/result.h"

/// From a configuration to the things it names.
namespace omrsync::app {

/// The node's store, which `init` has made: `config_missing` when there is none.
[[nodiscard]] Result<std::unique_ptr<ports::Store>> open_store(const Config& config);

[[nodiscard]] Result<Json> read_json_file(const std::filesystem::path& file);

/// Like `read_json_file`; `secret_readable` when others may read it.
[[nodiscard]] Result<Json> read_secret_json_file(const std::filesystem::path& file);

/// UTC of this machine.
[[nodiscard]] std::int64_t now_ms();

}  // namespace omrsync::app
