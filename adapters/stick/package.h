#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "adapters/stick/manifest.h"

/// A package is a folder on a stick:
///   readme.txt     for whoever finds it, in four languages
///   vol-0001.age   ... volumes
///   sender.crt     the certificate of whoever signed
///   manifest.json  what is in it
///   manifest.sig   the signature over manifest.json; written last
/// While it is written the folder's name ends with .partial.
namespace omrsync::stick {

/// Everything of a package but its volumes, unchecked.
struct Package {
  std::filesystem::path folder;
  std::string manifest_text;
  std::string signature;
  std::string certificate;
  Manifest manifest;
};

/// The packages in `folder`, or `folder` itself where it is one, by sender and number; other files are not looked at.
/// `usb_nothing`; `usb_incomplete` where there are only unfinished ones.
[[nodiscard]] Result<std::vector<std::filesystem::path>> find_packages(const std::filesystem::path& folder);

/// `usb_incomplete`, `usb_volume_missing`, `usb_altered`, `usb_version_unknown`.
[[nodiscard]] Result<Package> read_package(const std::filesystem::path& folder);

/// Every volume is what the manifest says.
[[nodiscard]] Status check_volumes(const Package& package, const Progress& progress);

/// The folder in which a package is written.
[[nodiscard]] std::filesystem::path partial_folder(const std::filesystem::path& stick, const Manifest& manifest);

/// Makes it, with the readme; empty of volumes unless `keep_volumes`.
Status begin_package(const std::filesystem::path& partial, bool keep_volumes);

/// Writes manifest, certificate and, last, the signature, and gives the folder its name. One of that name that is
/// there is replaced: it held the same numbers. The folder.
Result<std::filesystem::path> finish_package(const std::filesystem::path& partial, const Package& package);

/// Removes a package, nothing else in its folder.
void remove_package(const std::filesystem::path& folder);

}  // namespace omrsync::stick
