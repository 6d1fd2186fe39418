#include "adapters/mysql/snapshot.h"

#include <charconv>
#include <future>
#include <set>
#include <utility>

#include "adapters/mysql/binlog_position.h"
#include "adapters/mysql/snapshot_rows.h"
#include "protocol/varint.h"

namespace omrsync::mysql {
namespace {

using openmrs::TablePlan;

/// Where rows of one table go on: "pk > 17", or for a key of several columns the tuple written out.
std::optional<std::string> after_clause(const SqlTable& sql, const std::vector<std::size_t>& key,
                                        std::string_view after) {
  if (after.empty()) return std::string();
  std::vector<std::optional<std::string>> last;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const auto marked = take_bytes(after);
    if (!marked || marked->empty()) return std::nullopt;
    if (marked->front() == '0')
      last.emplace_back();
    else if (const auto value = literal(sql.kinds[key[i]], marked->substr(1)))
      last.push_back(value);
    else
      return std::nullopt;
  }
  std::string clause;
  std::string equal;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const std::string& name = sql.names[key[i]];
    const std::string greater = last[i] ? name + " > " + *last[i] : name + " IS NOT NULL";
    clause += (i == 0 ? " WHERE (" : " OR (") + equal + greater + ")";
    equal += last[i] ? name + " = " + *last[i] + " AND " : name + " IS NULL AND ";
  }
  return clause;
}

std::string after_token(const std::vector<std::size_t>& key, const Row& row) {
  std::string token;
  for (const std::size_t column : key) append_bytes(token, row[column] ? "1" + *row[column] : "0");
  return token;
}

/// The columns by which the table is walked: its primary key, else its natural key.
std::vector<std::size_t> walk_key(const TablePlan& plan) {
  std::vector<std::size_t> key;
  for (const std::string& name : plan.table->primary_key) key.push_back(plan.find_column(name)->index);
  return key.empty() ? plan.key : key;
}

bool has_unique_uuid(const openmrs::Table& table) {
  for (const auto& key : table.unique_keys)
    if (key.size() == 1 && key.front() == "uuid") return true;
  return false;
}

class MysqlSnapshot : public ports::Snapshot {
 public:
  MysqlSnapshot(std::shared_ptr<MysqlDatabase::Shared> shared, std::shared_ptr<Epoch> epoch,
                std::unique_ptr<Connection> connection, ports::LogPosition position)
      : shared_(std::move(shared)),
        epoch_(std::move(epoch)),
        connection_(std::move(connection)),
        position_(std::move(position)),
        aliases_(shared_->aliases()),
        references_(epoch_->compiled, &shared_->cache, aliases_),
        reader_(*connection_, epoch_->compiled, references_, aliases_, false) {}

  ~MysqlSnapshot() override {
    (void)ahead_done();
    if (healthy_ && connection_->rollback()) shared_->give_back(std::move(connection_));
  }

  [[nodiscard]] const ports::LogPosition& position() const noexcept override { return position_; }

  Result<std::vector<std::optional<ports::RootContent>>> read(std::span<const RootKey> roots) override {
    keep_ahead();
    return watched(read_roots(roots));
  }

  Result<ports::Page> page(const std::string& table, const std::string& after, std::size_t limit) override {
    const TablePlan* plan = epoch_->compiled.plans.find(table);
    if (plan == nullptr || !plan->is_root())
      return Error{Remedy::set_aside, Code::mapping_unknown_table, "table " + table + " does not travel"};
    const Place place{plan, after, limit};
    Result<ports::Page> page = take_ahead(place);
    if (page && page->next) read_ahead({plan, *page->next, limit});
    return watched(std::move(page));
  }

 private:
  struct Place {
    const TablePlan* plan = nullptr;
    std::string after;
    std::size_t limit = 0;
    bool operator==(const Place&) const = default;
  };

  /// Who walks through a table works on one page while the next is read. Nobody else uses the connection meanwhile.
  void read_ahead(Place place) {
    ahead_place_ = std::move(place);
    ahead_ = std::async(std::launch::async,
                        [this] { return read_page(*ahead_place_.plan, ahead_place_.after, ahead_place_.limit); });
  }

  std::optional<Result<ports::Page>> ahead_done() {
    if (ahead_.valid()) kept_ = ahead_.get();
    return std::exchange(kept_, std::nullopt);
  }

  /// The connection is needed: what was read ahead stays until it is asked for.
  void keep_ahead() {
    if (ahead_.valid()) kept_ = ahead_.get();
  }

  Result<ports::Page> take_ahead(const Place& place) {
    auto page = ahead_done();
    if (page && ahead_place_ == place) return std::move(*page);
    return read_page(*place.plan, place.after, place.limit);
  }

  template <typename T>
  Result<T> watched(Result<T> result) {
    if (result) return result;
    if (result.error().remedy == Remedy::reconnect) healthy_ = false;
    return shared_->explain(*connection_, result.error());
  }

  Result<std::vector<std::optional<ports::RootContent>>> read_roots(std::span<const RootKey> roots) {
    references_.clear();
    OMRSYNC_TRY(found, reader_.read(roots));
    std::vector<std::optional<ports::RootContent>> out(found.size());
    std::vector<RawRoot> there;
    for (std::optional<RawRoot>& root : found)
      if (root) there.push_back(std::move(*root));
    OMRSYNC_TRY(contents, reader_.contents(there));
    for (std::size_t i = 0, next = 0; i < found.size(); ++i)
      if (found[i]) out[i] = std::move(contents[next++]);
    return out;
  }

  Result<ports::Page> read_page(const TablePlan& plan, const std::string& after, std::size_t limit) {
    references_.clear();
    const SqlTable& sql = epoch_->compiled.sql(plan);
    const std::vector<std::size_t> key = walk_key(plan);
    const auto clause = after_clause(sql, key, after);
    if (!clause) return Error{Remedy::set_aside, Code::usage, "not a place in table " + plan.table->name};
    std::string order;
    for (const std::size_t column : key) order += (order.empty() ? " ORDER BY " : ", ") + sql.names[column];
    ports::Page page;
    std::vector<RawRoot> roots;
    std::string token;
    OMRSYNC_CHECK(connection_->query(
        "SELECT " + sql.select + " FROM " + sql.name + *clause + order + " LIMIT " + std::to_string(limit),
        [&](std::span<const Cell> cells) {
          RawRoot& root = roots.emplace_back();
          root.plan = &plan;
          root.row.assign(cells.begin(), cells.end());
          to_canonical(sql, root.row);
          root.local_id = number_of(plan, root.row);
          return true;
        }));
    page.rows = roots.size();
    if (roots.size() == limit && limit > 0) page.next = after_token(key, roots.back().row);
    OMRSYNC_CHECK(name_roots(plan, roots, page));
    OMRSYNC_CHECK(reader_.read_owned_between(roots));
    OMRSYNC_TRY(contents, reader_.contents(roots));
    note_owned_problems(roots, page);
    page.roots.reserve(roots.size());
    for (std::size_t i = 0; i < roots.size(); ++i)
      page.roots.push_back({{plan.table->name, std::move(roots[i].key)}, std::move(contents[i])});
    return page;
  }

  /// Gives each row its key; takes out rows that have none, rows that stay at home, and repetitions.
  Status name_roots(const TablePlan& plan, std::vector<RawRoot>& roots, ports::Page& page) {
    std::erase_if(roots, [&](const RawRoot& root) { return openmrs::stays_home(plan, root.row); });
    if (plan.part->identity == openmrs::Identity::natural) {
      std::vector<openmrs::Wanted> wanted;
      for (const RawRoot& root : roots)
        openmrs::wanted_keys(epoch_->compiled.plans, plan, root.row, references_, wanted);
      OMRSYNC_CHECK(references_.find_keys(*connection_, std::move(wanted)));
    }
    OMRSYNC_TRY(repeated, repeated_uuids(plan, roots));
    std::set<std::string> seen;
    std::erase_if(roots, [&](RawRoot& root) {
      const auto key = openmrs::key_of_row(plan, root.row, references_);
      if (key) root.key = root.asked = *key;
      const bool later = plan.uuid && repeated.contains({root.key, root.local_id});
      if (key && !later && seen.insert(root.key).second) return false;
      page.problems.push_back({plan.table->name, root.local_id, Code::mapping_bad_uuid});
      return true;
    });
    return Done{};
  }

  /// Rows whose uuid a row with a lower number has too, where the table lets that happen.
  Result<std::set<std::pair<std::string, std::uint64_t>>> repeated_uuids(const TablePlan& plan,
                                                                         const std::vector<RawRoot>& roots) {
    std::set<std::pair<std::string, std::uint64_t>> repeated;
    const bool possible = plan.part->identity == openmrs::Identity::uuid && plan.local && !has_unique_uuid(*plan.table);
    if (!possible || roots.empty()) return repeated;
    const SqlTable& sql = epoch_->compiled.sql(plan);
    const std::string& number = sql.names[*plan.local];
    std::vector<std::string_view> uuids;
    for (const RawRoot& root : roots)
      if (root.row[*plan.uuid]) uuids.push_back(*root.row[*plan.uuid]);
    std::map<std::string, std::uint64_t> first;
    OMRSYNC_CHECK(in_chunks(uuids, [&](std::span<const std::string_view> chunk) {
      return connection_->query("SELECT LOWER(uuid), MIN(" + number + ") FROM " + sql.name + " WHERE uuid IN " +
                                    in_list(ValueKind::text, chunk) + " GROUP BY LOWER(uuid) HAVING COUNT(*) > 1",
                                [&](std::span<const Cell> row) {
                                  if (row[0] && row[1]) first[*row[0]] = std::strtoull(row[1]->c_str(), nullptr, 10);
                                  return true;
                                });
    }));
    for (const RawRoot& root : roots) {
      const auto key = openmrs::key_of_row(plan, root.row, references_);
      const auto found = key ? first.find(*key) : first.end();
      if (found != first.end() && found->second != root.local_id) repeated.emplace(*key, root.local_id);
    }
    return repeated;
  }

  void note_owned_problems(const std::vector<RawRoot>& roots, ports::Page& page) const {
    for (const RawRoot& root : roots)
      for (const auto& [plan, row] : root.owned)
        if (!openmrs::key_of_row(*plan, row, references_))
          page.problems.push_back({plan->table->name, number_of(*plan, row), Code::mapping_bad_uuid});
  }

  std::shared_ptr<MysqlDatabase::Shared> shared_;
  std::shared_ptr<Epoch> epoch_;
  std::unique_ptr<Connection> connection_;
  ports::LogPosition position_;
  std::shared_ptr<const Aliases> aliases_;
  References references_;
  RootReader reader_;
  bool healthy_ = true;
  Place ahead_place_;
  std::optional<Result<ports::Page>> kept_;  ///< read ahead, not yet asked for
  std::future<Result<ports::Page>> ahead_;   ///< last: it uses everything above
};

}  // namespace

Result<std::unique_ptr<ports::Snapshot>> open_snapshot(std::shared_ptr<MysqlDatabase::Shared> shared) {
  OMRSYNC_TRY(epoch, shared->epoch());
  OMRSYNC_TRY(connection, shared->connect());
  OMRSYNC_TRY(position, begin_snapshot_at(*connection));
  return std::unique_ptr<ports::Snapshot>(
      new MysqlSnapshot(std::move(shared), std::move(epoch), std::move(connection), std::move(position)));
}

}  // namespace omrsync::mysql
