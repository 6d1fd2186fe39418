#pragma once

#include <filesystem>
#include <optional>

#include "node/app/setup.h"
#include "protocol/enrol_code.h"

namespace omrsync::app {

/// The answers as a configuration document, with the card that was read, or the code by which to get one.
struct Prepared {
  Json document;
  std::optional<Card> card;
  std::optional<EnrolCode> code;
};

/// Reads what the answers name and puts them together; writes nothing. Paths given on the command line are taken from
/// the working folder, or from the configuration's folder when they are only there.
[[nodiscard]] Result<Prepared> prepare(const InitAnswers& answers, const std::filesystem::path& config_file);

}  // namespace omrsync::app
