#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/store/segments.h"

/// The pages of segments: how roots are packed into them, written one after another, and read in order.
namespace omrsync::node {

/// Pages of one run begin with this, followed by the page's first key.
[[nodiscard]] std::string run_prefix(std::string_view table, std::uint64_t run);

/// `store_damaged` when the bytes are no page.
Result<std::vector<MetRoot>> decode_page(std::string_view bytes);

/// The root with this key in the page; none: not there.
Result<std::optional<MetRoot>> find_in_page(std::string_view bytes, std::string_view key);

/// What `pack_met` packed.
Result<LedgerRow> unpack_met(const MetRoot& root);

/// Writes roots, handed in by rising key, as pages of a run.
class PageWriter {
 public:
  PageWriter(ports::StoreTransaction& tx, std::string prefix) : tx_(tx), prefix_(std::move(prefix)) {}
  Status add(MetRoot root);
  Status finish();  ///< what is left becomes a page; more may be added

 private:
  ports::StoreTransaction& tx_;
  std::string prefix_;
  std::vector<MetRoot> waiting_;
};

/// Reads the roots of a run behind a key, one page in memory.
class PageReader {
 public:
  PageReader(ports::StoreTransaction& tx, std::string prefix) : tx_(tx), prefix_(std::move(prefix)) {}
  Status start(std::string_view after);
  [[nodiscard]] const MetRoot* root() const { return at_ < roots_.size() ? &roots_[at_] : nullptr; }
  Status next();
  /// The store's key of the page that `root` is on.
  [[nodiscard]] const std::string& page() const noexcept { return page_; }

 private:
  Status load(std::pair<std::string, std::string> entry);
  Status load_behind();

  ports::StoreTransaction& tx_;
  std::string prefix_;
  std::string page_;
  std::vector<MetRoot> roots_;
  std::size_t at_ = 0;
};

}  // namespace omrsync::node
