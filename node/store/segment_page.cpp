#include "node/store/segment_page.h"

#include <algorithm>

#include "node/store/pack.h"

namespace omrsync::node {
namespace {

constexpr std::size_t kPageRoots = 64;
constexpr char kUuidHere = '\1';
constexpr std::size_t kUuidText = 36;

Error damaged() { return {Remedy::stop_node, Code::store_damaged, "a segment of the ledger cannot be read"}; }

std::optional<Uuid> plain_uuid(std::string_view text) {
  const auto uuid = parse_uuid(text);
  return uuid && to_string(*uuid) == text ? uuid : std::nullopt;
}

/// "person_name/<uuid>#name" as "person_name/\1#name" and the uuid.
std::string name_shape(const GroupName& name, Packer& numbers) {
  const std::size_t slash = name.find('/');
  if (slash == std::string::npos || name.size() < slash + 1 + kUuidText) return name;
  const auto uuid = plain_uuid(std::string_view(name).substr(slash + 1, kUuidText));
  if (!uuid) return name;
  numbers.uuid(*uuid);
  return name.substr(0, slash + 1) + kUuidHere + name.substr(slash + 1 + kUuidText);
}

/// Calls visit(key, shape, numbers) for each root of a page until it says false.
template <typename Visit>
Status for_each(std::string_view bytes, const Visit& visit) {
  auto count = take_varint(bytes);
  if (!count) return damaged();
  std::vector<std::string_view> shapes;
  for (auto left = *count; left > 0; --left) {
    const auto shape = take_bytes(bytes);
    if (!shape) return damaged();
    shapes.push_back(*shape);
  }
  while (!bytes.empty()) {
    const auto key = take_bytes(bytes);
    const auto shape = key ? take_varint(bytes) : std::nullopt;
    const auto numbers = shape ? take_bytes(bytes) : std::nullopt;
    if (!numbers || *shape >= shapes.size()) return damaged();
    if (!visit(*key, shapes[static_cast<std::size_t>(*shape)], *numbers)) return Done{};
  }
  return Done{};
}

std::string encode_page(const std::vector<MetRoot>& roots) {
  std::vector<std::string_view> shapes;
  for (const MetRoot& root : roots)
    if (std::find(shapes.begin(), shapes.end(), root.shape) == shapes.end()) shapes.push_back(root.shape);
  std::string bytes;
  append_varint(bytes, shapes.size());
  for (const std::string_view shape : shapes) append_bytes(bytes, shape);
  for (const MetRoot& root : roots) {
    append_bytes(bytes, root.key);
    append_varint(bytes,
                  static_cast<std::uint64_t>(std::find(shapes.begin(), shapes.end(), root.shape) - shapes.begin()));
    append_bytes(bytes, root.numbers);
  }
  return bytes;
}

}  // namespace

std::string run_prefix(std::string_view table, std::uint64_t run) {
  std::string prefix(table);
  prefix.push_back('\0');
  append_u64(prefix, run);
  return prefix;
}

MetRoot pack_met(const RootKey& root, const ports::RootContent& content, const LoadDots& dots) {
  Packer shape, numbers;
  for (const auto& [name, held] : content.groups) {
    shape.text(name_shape(name, numbers));
    numbers.fixed(held.hash).fixed(dots(root, name, held.value));
  }
  return {tables::root_bytes(root).substr(root.table.size() + 1), std::move(shape).take(), std::move(numbers).take()};
}

Result<LedgerRow> unpack_met(const MetRoot& root) {
  LedgerRow row;
  row.loaded = true;
  Unpacker names(root.shape), numbers(root.numbers);
  while (!names.at_end() && names.sound() && numbers.sound()) {
    GroupName name = names.text();
    if (const std::size_t here = name.find(kUuidHere); here != std::string::npos)
      name.replace(here, 1, to_string(numbers.uuid()));
    row.hashes[name] = numbers.fixed();
    row.load_dots[name] = numbers.fixed();
  }
  if (!names.sound() || !numbers.sound() || !numbers.at_end()) return damaged();
  return row;
}

Result<std::vector<MetRoot>> decode_page(std::string_view bytes) {
  std::vector<MetRoot> roots;
  OMRSYNC_CHECK(for_each(bytes, [&](std::string_view key, std::string_view shape, std::string_view numbers) {
    roots.push_back({std::string(key), std::string(shape), std::string(numbers)});
    return true;
  }));
  return roots;
}

Result<std::optional<MetRoot>> find_in_page(std::string_view bytes, std::string_view wanted) {
  std::optional<MetRoot> found;
  OMRSYNC_CHECK(for_each(bytes, [&](std::string_view key, std::string_view shape, std::string_view numbers) {
    if (key == wanted) found = MetRoot{std::string(key), std::string(shape), std::string(numbers)};
    return key < wanted;
  }));
  return found;
}

Status PageWriter::add(MetRoot root) {
  waiting_.push_back(std::move(root));
  return waiting_.size() < kPageRoots ? Status{Done{}} : finish();
}

Status PageWriter::finish() {
  if (waiting_.empty()) return Done{};
  OMRSYNC_CHECK(tx_.put(tables::kSegments, prefix_ + waiting_.front().key, encode_page(waiting_)));
  waiting_.clear();
  return Done{};
}

Status PageReader::load(std::pair<std::string, std::string> entry) {
  OMRSYNC_TRY(roots, decode_page(entry.second));
  page_ = std::move(entry.first);
  roots_ = std::move(roots);
  at_ = 0;
  return Done{};
}

Status PageReader::load_behind() {
  std::optional<std::pair<std::string, std::string>> found;
  const std::string from = page_.empty() ? prefix_ : ports::after(page_);
  OMRSYNC_CHECK(tx_.scan(tables::kSegments, from, ports::end_of_prefix(prefix_), 1, [&](const ports::Entry& entry) {
    found.emplace(entry.key, entry.value);
    return false;
  }));
  if (found) return load(std::move(*found));
  roots_.clear();
  at_ = 0;
  return Done{};
}

Status PageReader::start(std::string_view after) {
  page_.clear();
  if (after.empty()) return load_behind();
  OMRSYNC_TRY(entry, tx_.last(tables::kSegments, prefix_, ports::after(prefix_ + std::string(after))));
  if (!entry) return load_behind();
  OMRSYNC_CHECK(load(std::move(*entry)));
  while (at_ < roots_.size() && roots_[at_].key <= after) ++at_;
  return at_ < roots_.size() ? Status{Done{}} : load_behind();
}

Status PageReader::next() {
  if (++at_ < roots_.size()) return Done{};
  return load_behind();
}

}  // namespace omrsync::node
