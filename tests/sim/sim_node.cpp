#include "tests/sim/sim_node.h"

#include <stdexcept>

#include "node/store/facts.h"

namespace omrsync::sim {
namespace {

/// The simulator stands on these; without them it cannot go on.
template <typename T>
T need(Result<T> result) {
  if (!result.has_value()) throw std::runtime_error(to_string(result.error().code) + " " + result.error().message);
  return std::move(result).value();
}

}  // namespace

SimNode::SimNode(std::uint8_t number, std::string name, SimNode* parent, bool has_children)
    : openmrs(memory::twin_schema(), number, clock),
      number_(number),
      name_(std::move(name)),
      parent_(parent),
      has_children_(has_children),
      entropy_(number),
      disk_(std::make_unique<memory::MemoryStore>(node::tables::kAll)) {
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
  engine_ = std::make_unique<node::Engine>(node::EngineParts{*store_, openmrs, codec_, clock, entropy_, log_, identity_,
                                                             openmrs.changes(), std::move(push), std::move(pull),
                                                             has_children_});
}

void SimNode::stop() { engine_.reset(); }

void SimNode::forget_everything() {
  stop();
  disk_ = std::make_unique<memory::MemoryStore>(node::tables::kAll);
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
  return print;
}

}  // namespace omrsync::sim
