#pragma once

#include <string_view>

#include "adapters/ports/store.h"
#include "adapters/stick/package.h"
#include "node/app/usb_keys.h"
#include "node/store/records.h"
#include "protocol/json.h"

/// How the commands of the stick say what they did. Private to usb_*.cpp.
namespace omrsync::app {

/// omrsync/usb/1 of a package.
[[nodiscard]] Json package_json(std::string_view act, const stick::Package& package, std::string_view state);

/// A package that was not taken, or could not be read.
[[nodiscard]] Json refused_json(std::string_view act, const std::filesystem::path& folder, const Error& error);

/// {"first":8,"last":12}, with who wrote the package behind it and when.
[[nodiscard]] Json missing_json(std::uint64_t stored, const node::PackageNote& package);

/// Every package in the folder in the order in which they are to be taken; one that cannot be read is its error.
struct Found {
  std::filesystem::path folder;
  Result<stick::Package> package;
};
[[nodiscard]] Result<std::vector<Found>> read_packages(const std::filesystem::path& folder);

/// Nothing in it was altered since it was signed, whoever signed it.
[[nodiscard]] Status check_package_signature(const stick::Package& package);

/// A record of the audit about a package: {"act":act, ...}.
[[nodiscard]] Status audit_package(ports::StoreTransaction& tx, std::int64_t now_ms, std::string_view act,
                                   const stick::Manifest& manifest, const Error* refused);

}  // namespace omrsync::app
