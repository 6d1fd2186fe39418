#pragma once

#include <filesystem>
#include <optional>

#include "node/app/setup.h"

namespace omrsync::app {

/// The answers as a configuration document, with the card that was read.
struct Prepared {
  Json document;
  std::optional<Card> card;
};

/// Reads what the answers name and puts them together; writes nothing. Paths given on the command line are taken from
/// the working folder, or from the configuration's folder when they are only there.
[[nodiscard]] Result<Prepared> prepare(const InitAnswers& answers, const std::filesystem::path& config_file);

}  // namespace omrsync::app
