#include "tests/sim/sim_node.h"

#include <stdexcept>

#include "adapters/openmrs/shape.h"
#include "adapters/repository/tables.h"
#include "node/lives/life.h"
#include "node/store/facts.h"

namespace omrsync::sim {
namespace {

/// The simulator stands on these; without them it cannot go on.
template <typename T>
T need(Result<T> result) {
  if (!result.has_value()) throw std::runtime_error(to_string(result.error().code) + " " + result.error().message);
  return std::move(result).value();
}

/// The tables of the twin with the references that it has (openmrs_rows.cpp).
constexpr std::string_view kTwinShape = R"(
location
  key varchar(38) !
  parent_location varchar(38) >location
  voided tinyint(1)
  pk key
users
  key varchar(38) !
  person_id varchar(38) ! >person
  voided tinyint(1)
  pk key
person
  key varchar(38) !
  voided tinyint(1)
  pk key
visit
  key varchar(38) !
  patient_id varchar(38) ! >person
  voided tinyint(1)
  pk key
encounter
  key varchar(38) !
  patient_id varchar(38) ! >person
  visit_id varchar(38) >visit
  location_id varchar(38) >location
  voided tinyint(1)
  pk key
obs
  key varchar(38) !
  person_id varchar(38) ! >person
  encounter_id varchar(38) >encounter
  previous_version varchar(38) >obs
  voided tinyint(1)
  pk key
location_tag_map
  location_id varchar(38) ! >location
  voided tinyint(1)
  pk location_id
)";

/// Nobody else runs while it waits.
class Impatient final : public ports::ChangeSource {
 public:
  explicit Impatient(std::unique_ptr<ports::ChangeSource> inner) : inner_(std::move(inner)) {}
  Status open(const std::optional<ports::LogPosition>& position) override { return inner_->open(position); }
  Result<std::optional<ports::LogPiece>> next(std::chrono::milliseconds) override {
    return inner_->next(std::chrono::milliseconds(0));
  }
  ports::LogPosition read_through() override { return inner_->read_through(); }

 private:
  std::unique_ptr<ports::ChangeSource> inner_;
};

}  // namespace

SimNode::SimNode(std::uint8_t number, std::string name, SimNode* parent, bool has_children, bool is_repository)
    : openmrs(memory::twin_schema(), number, clock),
      number_(number),
      name_(std::move(name)),
      parent_(parent),
      has_children_(has_children),
      is_repository_(is_repository),
      entropy_(number),
      disk_(new_disk()) {
  identity_.node.bytes[0] = number;
  identity_.name = name_;
  identity_.incarnation = {1, number};
  identity_.network_key = {1, 2, 3};
  connect_power(openmrs, power);
  const auto tx = need(disk_->write());
  need(node::put_identity(*tx, identity_));
  need(tx->commit());
  if (parent != nullptr) need(admit_at_parent());
}

std::unique_ptr<memory::MemoryStore> SimNode::new_disk() const {
  std::vector<std::string_view> tables(node::tables::kAll.begin(), node::tables::kAll.end());
  if (is_repository_) tables.insert(tables.end(), repository::tables::kAll.begin(), repository::tables::kAll.end());
  return std::make_unique<memory::MemoryStore>(tables);
}

std::unique_ptr<repository::Repository> SimNode::open_repository(ports::Store& store) {
  static const auto model =
      std::make_shared<const openmrs::Model>(need(openmrs::compile_model(need(openmrs::parse_shape(kTwinShape)))));
  repository::Options options{model, {number_}, {}, {}};
  options.taken = [](ports::StoreTransaction& tx) -> Result<std::optional<ports::LogPosition>> {
    OMRSYNC_TRY(record, node::capture_record(tx));
    return record ? std::optional(record->position) : std::nullopt;
  };
  return std::make_unique<repository::Repository>(store, clock, std::move(options));
}

Status SimNode::admit_at_parent() {
  OMRSYNC_TRY(tx, parent_->disk_->write());
  node::ChildRecord record;
  record.node = identity_.node;
  record.name = name_;
  OMRSYNC_CHECK(node::put_record(*tx, node::tables::kNodes, id(), record));
  return tx->commit();
}

void SimNode::start(Network& network) {
  stop();
  power.restore();
  const auto tx = need(disk_->read());
  identity_ = *need(node::identity(*tx));
  store_ = std::make_unique<PoweredStore>(*disk_, power);
  std::unique_ptr<ports::ParentLink> push, pull;
  if (parent_ != nullptr) {
    push = network.link(id(), parent_->id());
    pull = network.link(id(), parent_->id());
  }
  std::unique_ptr<ports::ChangeSource> changes;
  if (is_repository_) repository_ = open_repository(*store_);
  if (is_repository_) changes = std::make_unique<Impatient>(repository_->changes());
  engine_ = std::make_unique<node::Engine>(node::EngineParts{
      *store_, is_repository_ ? static_cast<ports::OpenmrsDatabase&>(*repository_) : openmrs, codec_, clock, entropy_,
      log_, identity_, is_repository_ ? std::move(changes) : openmrs.changes(), std::move(push), std::move(pull),
      has_children_, std::chrono::minutes(15), [this] { return policy; }});
}

void SimNode::stop() {
  engine_.reset();
  repository_.reset();
}

void SimNode::forget_everything() {
  stop();
  disk_ = new_disk();
  identity_.incarnation = {identity_.incarnation.counter + 1, entropy_.next()};
  const auto tx = need(disk_->write());
  need(node::put_identity(*tx, identity_));
  need(tx->commit());
}

std::vector<node::Worker*> SimNode::workers() const {
  return engine_ ? engine_->workers() : std::vector<node::Worker*>{};
}

void SimNode::step(std::string_view worker) {
  for (node::Worker* each : workers())
    if (each->name() == worker) (void)each->step({});
}

std::optional<ports::Response> SimNode::answer(const ports::IncomingRequest& request) {
  if (!engine_ || !power.on()) return std::nullopt;
  auto response = engine_->service().handle(request, std::chrono::milliseconds(0));
  if (!power.on()) return std::nullopt;
  return response;
}

void SimNode::mirror() {
  if (!is_repository_) return;
  const auto repository = open_repository(*disk_);
  const auto snapshot = need(repository->snapshot());
  auto rows = std::make_shared<memory::TwinRows>();
  for (const ports::RootTable& table : need(repository->tables()))
    for (const ports::LoadedRoot& loaded : need(snapshot->page(table.table, "", SIZE_MAX - 1)).roots) {
      auto row = std::make_shared<memory::TwinRow>();
      for (const auto& [name, held] : loaded.content.groups) row->groups[name] = held.value;
      (*rows)[loaded.root] = std::move(row);
    }
  memory::TwinState state;
  state.rows = std::move(rows);
  openmrs.restore_files(state);
}

std::optional<RootState> SimNode::state(const RootKey& root) {
  const auto tx = need(disk_->read());
  const auto row = need(node::ledger_row(*tx, root));
  const auto held = openmrs.find(root);
  if (!row && !held) return std::nullopt;
  const node::LedgerRow* known = row ? &*row : nullptr;
  std::vector<node::StandingGroup> standing;
  if (held)
    standing =
        node::standing_groups(root, known, memory::twin_content(*held, openmrs), node::LoadDots(identity_.network_key));
  return node::materialise(known, standing);
}

std::string SimNode::fingerprint() {
  const auto tx = need(disk_->read());
  std::string print;
  const auto add = [&](const ports::Entry& entry) {
    print.append(entry.key).append("=").append(entry.value).append(";");
    return true;
  };
  need(tx->scan(node::tables::kMeta, "", "", SIZE_MAX, add));
  std::vector<std::string> links;
  need(tx->scan(node::tables::kLink, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    links.emplace_back(entry.key);
    return true;
  }));
  for (const std::string& link : links) {
    const auto record = need(node::link_record(*tx, link));
    for (const std::uint64_t each : {record.next_number, record.acknowledged, record.log_cursor, record.stored,
                                     record.outcomes_seen, record.load.rows, std::uint64_t{record.load.done}})
      print += std::to_string(each) + ",";
  }
  for (const auto table : {node::tables::kOutbox, node::tables::kInbox, node::tables::kSent, node::tables::kOutcomes})
    print += std::to_string(need(node::count_range(*tx, table, "", ""))) + ",";
  // A node in a new life waits for its database to be quiet: nothing moves, and yet it is not done.
  if (need(node::new_life(*tx))) print += std::to_string(clock.steady().count());
  return print;
}

}  // namespace omrsync::sim
