#include "adapters/stick/package.h"

#include <algorithm>
#include <system_error>

namespace omrsync::stick {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReadme = "readme.txt";
constexpr const char* kManifest = "manifest.json";
constexpr const char* kSignature = "manifest.sig";
constexpr const char* kCertificate = "sender.crt";
constexpr std::string_view kPrefix = "omrs-sync-";
constexpr std::string_view kPartial = ".partial";
constexpr std::size_t kSmallest = 64 * 1024;
constexpr std::size_t kManifestMost = 4 * 1024 * 1024;

constexpr std::string_view kReadmeText =
    "EN  Records of a health facility for another one, encrypted. Please give this stick to the person who was to get\n"
    "    it, or to the nearest health facility. Delete nothing and change nothing: the folder is read as a whole.\n"
    "FR  Donnees chiffrees d'un centre de sante pour un autre. Merci de remettre cette cle a son destinataire ou au\n"
    "    centre de sante le plus proche. Ne rien effacer ni modifier: le dossier est lu en entier.\n"
    "PT  Registos cifrados de uma unidade de saude para outra. Por favor entregue esta pen ao destinatario ou a\n"
    "    unidade de saude mais proxima. Nao apague nem altere nada: a pasta e lida por inteiro.\n"
    "SW  Kumbukumbu za kituo cha afya kwa kituo kingine, zimefungwa kwa siri. Tafadhali mpe aliyekusudiwa au kituo\n"
    "    cha afya kilicho karibu. Usifute wala kubadilisha chochote: folda husomwa yote kwa pamoja.\n";

bool is_package_name(std::string_view name) {
  return name.starts_with(kPrefix) && name.size() <= 60 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

bool is_partial_name(std::string_view name) {
  return name.ends_with(kPartial) && is_package_name(name.substr(0, name.size() - kPartial.size()));
}

bool is_ours(const std::string& name) {
  return name == kReadme || name == kManifest || name == kSignature || name == kCertificate ||
         (name.size() == 12 && name.starts_with("vol-") && name.ends_with(".age"));
}

/// Something of a package is in the folder: one whose package was removed may hold somebody's files still.
bool holds_package(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / kManifest, ignored) || fs::exists(folder / kSignature, ignored) ||
         fs::exists(folder / volume_name(1), ignored);
}

}  // namespace

Result<std::vector<fs::path>> find_packages(const fs::path& folder) {
  std::error_code error;
  if (is_package_name(folder.filename().string()) && fs::is_directory(folder, error)) return std::vector{folder};
  if (is_partial_name(folder.filename().string()) && fs::is_directory(folder, error))
    return Error{Remedy::set_aside, Code::usb_incomplete, folder.string() + " was not finished."};
  std::vector<fs::path> found;
  bool partial = false;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code ignored;
    if (!at->is_directory(ignored) || at->is_symlink(ignored)) continue;
    if (is_package_name(name) && holds_package(at->path())) found.push_back(at->path());
    partial = partial || is_partial_name(name);
  }
  if (error)
    return Error{Remedy::stop_node, Code::usb_nothing, folder.string() + " cannot be read: " + error.message() + "."};
  if (found.empty() && partial)
    return Error{Remedy::set_aside, Code::usb_incomplete, "The package in " + folder.string() + " was not finished."};
  if (found.empty())
    return Error{Remedy::stop_node, Code::usb_nothing, "There is no package in " + folder.string() + "."};
  std::sort(found.begin(), found.end());
  return found;
}

Result<Package> read_package(const fs::path& folder) {
  Package package;
  package.folder = folder;
  std::error_code ignored;
  if (!fs::exists(folder / kSignature, ignored) || !fs::exists(folder / kManifest, ignored))
    return Error{Remedy::set_aside, Code::usb_incomplete,
                 "The package " + folder.filename().string() + " has no signed manifest."};
  OMRSYNC_TRY(manifest_text, read_small(folder / kManifest, kManifestMost));
  OMRSYNC_TRY(signature, read_small(folder / kSignature, kSmallest));
  OMRSYNC_TRY(certificate, read_small(folder / kCertificate, kSmallest));
  OMRSYNC_TRY(manifest, manifest_from(manifest_text));
  return Package{folder, std::move(manifest_text), std::move(signature), std::move(certificate), std::move(manifest)};
}

Status check_volumes(const Package& package, const Progress& progress) {
  for (const VolumeEntry& volume : package.manifest.volumes)
    OMRSYNC_CHECK(check_volume(package.folder, volume, progress));
  return Done{};
}

fs::path partial_folder(const fs::path& stick, const Manifest& manifest) {
  return stick / (folder_name(manifest) + std::string(kPartial));
}

Status begin_package(const fs::path& partial, bool keep_volumes) {
  std::error_code error;
  if (!keep_volumes) remove_package(partial);
  fs::create_directory(partial, error);
  if (error)
    return Error{Remedy::retry_later, Code::usb_medium_failed,
                 partial.string() + " cannot be made: " + error.message() + "."};
  OMRSYNC_CHECK(write_small(partial / kReadme, kReadmeText));
  return sync_folder(partial.parent_path());
}

Result<fs::path> finish_package(const fs::path& partial, const Package& package) {
  OMRSYNC_CHECK(write_small(partial / kCertificate, package.certificate));
  OMRSYNC_CHECK(write_small(partial / kManifest, package.manifest_text));
  OMRSYNC_CHECK(sync_folder(partial));
  OMRSYNC_CHECK(write_small(partial / kSignature, package.signature));
  OMRSYNC_CHECK(sync_folder(partial));
  const fs::path whole = partial.parent_path() / folder_name(package.manifest);
  remove_package(whole);
  OMRSYNC_CHECK(rename_durably(partial, whole));
  return whole;
}

void remove_package(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> ours;
  for (fs::directory_iterator at(folder, ignored), end; !ignored && at != end; at.increment(ignored))
    if (is_ours(at->path().filename().string())) ours.push_back(at->path());
  // The signature first: what is left of a removal that was cut is no package.
  std::partition(ours.begin(), ours.end(), [](const fs::path& file) { return file.filename() == kSignature; });
  for (const fs::path& file : ours) fs::remove(file, ignored);
  fs::remove(folder, ignored);
}

}  // namespace omrsync::stick
