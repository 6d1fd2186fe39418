#include "adapters/stick/volume.h"

#include <cstdio>

#include "protocol/varint.h"

namespace omrsync::stick {
namespace {

constexpr std::size_t kPiece = 256 * 1024;
/// A batch's frame is at most 16 MiB on the wire.
constexpr std::uint64_t kItemMost = 20 * 1024 * 1024;

Error damaged(const std::filesystem::path& path, const char* what) {
  return {Remedy::set_aside, Code::usb_volume_damaged, path.filename().string() + " " + what + "."};
}

}  // namespace

std::string volume_name(std::size_t number) {
  char name[32];
  std::snprintf(name, sizeof name, "vol-%04zu.age", number);
  return name;
}

Result<std::unique_ptr<VolumeWriter>> VolumeWriter::create(const std::filesystem::path& path,
                                                           const std::string& recipient) {
  OMRSYNC_TRY(file, OutFile::create(path));
  std::unique_ptr<VolumeWriter> volume(new VolumeWriter(std::move(file)));
  volume->entry_.name = path.filename().string();
  OMRSYNC_TRY(
      age, AgeWriter::begin({recipient}, [made = volume.get()](std::string_view bytes) { return made->put(bytes); }));
  volume->age_ = std::make_unique<AgeWriter>(std::move(age));
  return volume;
}

Status VolumeWriter::put(std::string_view bytes) {
  digest_.add(bytes);
  entry_.bytes += bytes.size();
  return file_.write(bytes);
}

Status VolumeWriter::add(std::string_view item, std::uint64_t first, std::uint64_t last) {
  std::string length;
  append_varint(length, item.size());
  OMRSYNC_CHECK(age_->write(length));
  OMRSYNC_CHECK(age_->write(item));
  ++items_;
  if (first == 0) return Done{};
  if (entry_.first == 0) entry_.first = first;
  entry_.last = last;
  return Done{};
}

Result<VolumeEntry> VolumeWriter::finish() {
  OMRSYNC_CHECK(age_->finish());
  OMRSYNC_CHECK(file_.close());
  entry_.sha256 = to_hex(digest_.finish());
  return entry_;
}

Status check_volume(const std::filesystem::path& folder, const VolumeEntry& entry, const Progress& progress) {
  const std::filesystem::path path = folder / entry.name;
  OMRSYNC_TRY(file, InFile::open(path));
  Sha256 digest;
  std::uint64_t size = 0;
  for (;;) {
    OMRSYNC_TRY(piece, file.read(kPiece));
    digest.add(piece);
    size += piece.size();
    progress(piece.size());
    if (size > entry.bytes || piece.size() < kPiece) break;
  }
  if (size != entry.bytes) return damaged(path, "has another size than was written");
  if (to_hex(digest.finish()) != entry.sha256) return damaged(path, "is not what was written");
  return Done{};
}

Status read_volume(const std::filesystem::path& path, const AgeKey& key, const Progress& progress,
                   const std::function<Status(std::string_view item)>& visit) {
  OMRSYNC_TRY(file, InFile::open(path));
  OMRSYNC_TRY(age, AgeReader::open(key, [&](std::size_t most) {
                auto bytes = file.read(most);
                if (bytes) progress(bytes->size());
                return bytes;
              }));
  std::string waiting;
  for (;;) {
    std::string_view rest = waiting;
    while (const auto item = take_bytes(rest)) OMRSYNC_CHECK(visit(*item));
    std::string_view ahead = rest;
    const auto length = take_varint(ahead);
    if (length && *length > kItemMost) return damaged(path, "has an item without end");
    waiting.erase(0, waiting.size() - rest.size());
    OMRSYNC_TRY(chunk, age.next());
    if (chunk.empty()) break;
    waiting += chunk;
  }
  return waiting.empty() ? Status{Done{}} : damaged(path, "ends within an item");
}

}  // namespace omrsync::stick
