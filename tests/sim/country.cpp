#include "tests/sim/country.h"

#include <algorithm>
#include <iostream>
#include <stdexcept>

#include "tests/sim/judge.h"

namespace omrsync::sim {

using std::chrono::milliseconds;

namespace {

/// A worker that says "at once" is called again this much later; capture waits on the log in between, and a pull at the
/// parent.
constexpr milliseconds kTick{1};
constexpr milliseconds kWaitingTick{20};
constexpr milliseconds kLook{200};
constexpr int kLooksAlike = 15;
constexpr int kLooksMost = 3000;

}  // namespace

Country::Country(std::vector<Site> sites, std::uint64_t seed) : random_(seed) {
  network_ = std::make_unique<Network>(
      [this](const std::string& id, const ports::IncomingRequest& request) { return ask(id, request); },
      [this] { return static_cast<unsigned>(pick(100)); });
  for (std::size_t place = 0; place < sites.size(); ++place) {
    const bool has_children =
        std::any_of(sites.begin(), sites.end(), [&](const Site& site) { return site.parent == place; });
    SimNode* parent = sites[place].parent ? nodes_[*sites[place].parent].get() : nullptr;
    nodes_.push_back(std::make_unique<SimNode>(static_cast<std::uint8_t>(place + 1), sites[place].name, parent,
                                               has_children, sites[place].is_repository));
    staff_.push_back(std::make_unique<Staff>(place, nodes_.back()->openmrs, chart_));
  }
}

Country::~Country() {
  staff_.clear();
  for (const auto& each : nodes_) each->stop();
}

SimNode& Country::node(const std::string& name) {
  for (const auto& each : nodes_)
    if (each->name() == name) return *each;
  throw std::invalid_argument("no node " + name);
}

Staff& Country::staff(const std::string& name) {
  for (std::size_t place = 0; place < nodes_.size(); ++place)
    if (nodes_[place]->name() == name) return *staff_[place];
  throw std::invalid_argument("no node " + name);
}

std::optional<ports::Response> Country::ask(const std::string& id, const ports::IncomingRequest& request) {
  for (const auto& each : nodes_)
    if (each->id() == id) return each->answer(request);
  return std::nullopt;
}

void Country::start_all() {
  for (std::size_t place = 0; place < nodes_.size(); ++place) restart(place);
}

void Country::restart(std::size_t place) {
  nodes_[place]->start(*network_);
  plan(place);
}

void Country::plan(std::size_t place) {
  std::erase_if(tasks_, [&](const Task& task) { return task.node == place; });
  for (std::size_t worker = 0; worker < nodes_[place]->workers().size(); ++worker)
    tasks_.push_back({place, worker, now_});
}

void Country::pass(milliseconds time) {
  now_ += time;
  for (const auto& each : nodes_) each->clock.advance(time);
}

void Country::step() {
  std::vector<Task*> due;
  milliseconds next = milliseconds::max();
  for (Task& task : tasks_) {
    if (!nodes_[task.node]->running()) continue;
    if (task.due <= now_) due.push_back(&task);
    next = std::min(next, task.due);
  }
  if (due.empty()) {
    pass(next == milliseconds::max() ? milliseconds(100) : next - now_);
    return;
  }
  Task& task = *due[pick(due.size())];
  node::Worker* worker = nodes_[task.node]->workers()[task.worker];
  const milliseconds pause = worker->step({}).pause;
  const bool waits = worker->name() == "capture" || worker->name() == "pull";
  task.due = now_ + std::max(pause, waits ? kWaitingTick : kTick);
  const std::size_t place = task.node;
  report(place, worker->name());
  for (std::size_t each = 0; each < nodes_.size(); ++each)  // a parent's may end by a child's question
    if (nodes_[each]->over()) restart(each);
  pass(kTick);
}

void Country::report(std::size_t place, std::string_view worker) {
  if (!traced_) return;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    std::string text = spell(nodes_[i]->state(*traced_)) + "\n      holds";
    if (const auto row = nodes_[i]->openmrs.find(*traced_))
      for (const auto& [name, value] : row->groups) text += " " + name + "=" + spell(value);
    if (text == last_traced_[i]) continue;
    last_traced_[i] = text;
    std::cerr << now_.count() << " " << nodes_[i]->name() << " (" << nodes_[place]->name() << " " << worker
              << "): " << text << "\n";
  }
}

void Country::run(std::size_t steps) {
  for (std::size_t i = 0; i < steps; ++i) step();
}

void Country::drive(const std::string& name, std::string_view worker, int times) {
  for (int i = 0; i < times; ++i) {
    node(name).step(worker);
    for (std::size_t place = 0; place < nodes_.size(); ++place)
      if (nodes_[place]->over()) restart(place);
    pass(kTick);
  }
}

void Country::revive() {
  for (std::size_t place = 0; place < nodes_.size(); ++place)
    if (!nodes_[place]->running() || !nodes_[place]->power.on()) restart(place);
}

bool Country::settle() {
  Network& lines = *network_;
  lines.lost_questions = lines.lost_answers = lines.slow = lines.doubled = 0;
  lines.drop_doubles();
  for (std::size_t place = 0; place < nodes_.size(); ++place) {
    lines.cut(nodes_[place]->id(), false);
    nodes_[place]->power.cut_at(0, Power::Cut::before);
    nodes_[place]->openmrs.before_call = nullptr;
    staff_[place]->go_home();
  }
  revive();
  std::string before;
  int alike = 0;
  for (int looks = 0; looks < kLooksMost && alike < kLooksAlike; ++looks) {
    for (Task& task : tasks_) task.due = std::min(task.due, now_ + 5 * kLook);
    const milliseconds until = now_ + kLook;
    while (now_ < until) step();
    std::string now;
    for (const auto& each : nodes_) now += each->fingerprint();
    alike = now == before ? alike + 1 : 0;
    before = std::move(now);
  }
  for (const auto& each : nodes_) each->mirror();
  return alike == kLooksAlike;
}

std::vector<Site> two_clinics() { return {{"P", {}}, {"A", 0}, {"B", 0}}; }

std::vector<Site> with_district() { return {{"P", {}}, {"D", 0}, {"B", 0}, {"A", 1}, {"K", 1}}; }

std::vector<Site> tree(std::size_t nodes) {
  std::vector<Site> sites{{"P", {}}};
  const std::size_t districts = nodes > 4 ? std::max<std::size_t>(1, nodes / 8) : 0;
  for (std::size_t i = 0; i < districts; ++i) sites.push_back({"D" + std::to_string(i), 0});
  while (sites.size() < nodes) {
    const std::size_t parent = districts == 0 || sites.size() % 4 == 0 ? 0 : 1 + sites.size() % districts;
    sites.push_back({"C" + std::to_string(sites.size()), parent});
  }
  return sites;
}

}  // namespace omrsync::sim
