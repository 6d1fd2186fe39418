#include "tests/sim/history.h"

#include <array>
#include <iostream>

#include "conflict/policy.h"
#include "tests/sim/judge.h"

namespace omrsync::sim {

using std::chrono::milliseconds;
using std::chrono::minutes;

namespace {

using Groups = std::map<GroupName, std::optional<GroupValue>>;

class History {
 public:
  History(std::uint64_t seed, const HistoryOptions& options)
      : options_(options), country_(sites(options, seed), seed), forms_(country_.size()) {
    if (options.policies && seed % 3 == 0) make_policies();
  }

  std::vector<std::string> play() {
    prepare();
    country_.start_all();
    // What is written before capture opened the log for the first time is part of the first load.
    for (std::size_t place = 0; place < country_.size(); ++place)
      country_.drive(country_.node(place).name(), "capture");
    if (options_.trace) country_.trace(*options_.trace);
    arm();
    trouble(options_.bad_lines);
    for (std::size_t act = 0; act < options_.acts; ++act) {
      happen();
      country_.run(country_.pick(40));
      for (std::size_t place = 0; place < country_.size(); ++place)
        if (!country_.node(place).power.on() && country_.perhaps(50)) country_.restart(place);
    }
    const bool rests = country_.settle();
    auto wrong = judge(country_);
    if (!rests) wrong.push_back("it never comes to rest");
    return wrong;
  }

 private:
  /// With repositories: the root is one, and with every other seed all that have children.
  static std::vector<Site> sites(const HistoryOptions& options, std::uint64_t seed) {
    std::vector<Site> sites = tree(options.nodes);
    if (!options.repository) return sites;
    sites.front().is_repository = true;
    for (const Site& site : sites)
      if (site.parent && seed % 2 == 0) sites[*site.parent].is_repository = true;
    return sites;
  }

  /// The place, or where it is a repository some clinic, where people write.
  std::size_t with_people(std::size_t place) {
    while (country_.node(place).is_repository()) place = country_.pick(country_.size());
    return place;
  }

  void make_policies() {
    static constexpr std::array kWords{conflict::Word::parent_wins,      conflict::Word::child_wins,
                                       conflict::Word::owner_site_wins,  conflict::Word::set_union,
                                       conflict::Word::adds_information, conflict::Word::shown_wins};
    for (std::size_t place = 0; place < country_.size(); ++place) {
      conflict::Policy policy{"site", static_cast<std::int64_t>(place + 1), {}};
      const auto otherwise = country_.perhaps(50) ? conflict::Word::shown_wins : conflict::Word::manual;
      policy.rules.push_back({"clinical", "*", "*", kWords[country_.pick(kWords.size())], otherwise, {}, 1});
      country_.node(place).policy = std::make_shared<const conflict::Policy>(std::move(policy));
    }
  }

  void prepare() {
    std::map<RootKey, std::map<GroupName, GroupValue>> dictionary;
    for (int i = 0; i < 3; ++i)
      dictionary[{"location", "L" + std::to_string(i)}] = {
          {"name", country_.chart().fresh({{"name", "L" + std::to_string(i)}})}};
    std::map<RootKey, std::map<GroupName, GroupValue>> shared;
    for (int i = 0; i < 2; ++i) shared[{"person", "S" + std::to_string(i)}] = {{"gender", country_.chart().fresh({})}};
    for (std::size_t place = 0; place < country_.size(); ++place) {
      if (country_.node(place).is_repository()) continue;
      if (place == 0 || country_.perhaps(70))
        for (const auto& [root, groups] : dictionary) country_.staff(place).have(root, groups);
      if (place == 0 || country_.perhaps(30))
        for (auto [root, groups] : shared) {
          if (place > 0 && options_.unequal_copies && country_.perhaps(30))
            groups["gender"] = country_.chart().fresh({});
          country_.staff(place).have(root, groups);
        }
      for (std::size_t own = country_.pick(3); own > 0; --own)
        country_.staff(place).have(fresh("person", place), {{"gender", country_.chart().fresh({})}});
    }
  }

  void arm() {
    for (std::size_t place = 0; place < country_.size(); ++place) {
      auto& openmrs = country_.node(place).openmrs;
      openmrs.piece_roots = 3;
      openmrs.units_wait_for_locks = options_.wait_for_locks;
      openmrs.deletes_unguarded = options_.deletes_unguarded;
      if (options_.clinicians_between_calls)
        openmrs.before_call = [this, place](memory::TwinCall) {
          if (inside_ || !country_.perhaps(4)) return;
          inside_ = true;
          write_something(place);
          inside_ = false;
        };
    }
  }

  void trouble(bool bad) {
    Network& lines = country_.network();
    lines.lost_questions = bad ? 8 : 0;
    lines.lost_answers = bad ? 8 : 0;
    lines.slow = bad ? 25 : 0;
    lines.doubled = bad ? 5 : 0;
  }

  void happen() {
    const std::size_t place = country_.pick(country_.size());
    const std::size_t what = country_.pick(100);
    if (what < 60) {
      inside_ = true;
      write_something(with_people(place));
      inside_ = false;
    } else if (what < 70) {
      country_.pass(country_.perhaps(30) ? minutes(20) : milliseconds(500 + country_.pick(3000)));
    } else if (what < 80 && options_.bad_lines) {
      country_.network().cut(country_.node(place).id(), country_.perhaps(60));
    } else if (what < 90 && options_.crashes) {
      const auto when = country_.perhaps(50) ? Power::Cut::before : Power::Cut::after;
      if (country_.perhaps(80))
        country_.node(place).power.cut_at(1 + country_.pick(6), when);
      else
        country_.restart(place);
    } else if (what < 93 && options_.restores) {
      put_something_back(place);
    } else if (options_.bad_lines) {
      (void)country_.network().deliver_double(country_.pick(20));
    }
    if (country_.perhaps(3)) country_.node(place).openmrs.rotate_log();
  }

  /// A copy is taken, and much later put back: of the database, by files or as a dump; of the store; of all the
  /// machine. What was written since had time to travel: what only the lost disk held is nobody's to keep.
  void put_something_back(std::size_t place) {
    SimNode& node = country_.node(place);
    if (!copies_.contains(place)) {
      copies_.emplace(place, Copy{node.openmrs.backup(), node.copy_disk()});
      return;
    }
    if (!country_.settle()) return;
    Copy copy = std::move(copies_.at(place));
    copies_.erase(place);
    country_.chart().put_back();
    uncompared_.insert(place);
    forms_[place].clear();
    node.stop();
    const std::size_t what = node.is_repository() ? 2 : country_.pick(4);
    if (options_.trace) std::cerr << node.name() << ": put back, " << what << "\n";
    if (what == 0) node.openmrs.restore_dump(copy.database);
    if (what == 1 || what == 3) node.openmrs.restore_files(copy.database);
    if (what >= 2) node.replace_disk(std::move(copy.disk));
    country_.restart(place);
    arm();
    trouble(options_.bad_lines);
  }

  /// Until the copy was compared with the ledger, what is missing counts as missing in the copy and is fetched back
  /// (D25).
  bool may_purge(std::size_t place) {
    SimNode& node = country_.node(place);
    if (!uncompared_.contains(place)) return true;
    const auto end = node.openmrs.log_end();
    if (!end || !node.has_captured(*end)) return false;
    uncompared_.erase(place);
    return true;
  }

  RootKey fresh(const std::string& table, std::size_t place) {
    return {table, country_.node(place).name() + "-" + std::to_string(++keys_)};
  }

  std::optional<RootKey> some(std::size_t place, const std::string& table) {
    std::vector<RootKey> found;
    for (const auto& [root, row] : *country_.node(place).openmrs.rows())
      if (root.table == table) found.push_back(root);
    if (found.empty()) return std::nullopt;
    return found[country_.pick(found.size())];
  }

  std::optional<RootKey> anything(std::size_t place) {
    std::vector<RootKey> found;
    for (const auto& [root, row] : *country_.node(place).openmrs.rows())
      if (options_.metadata || (root.table != "location" && root.table != "location_tag_map")) found.push_back(root);
    if (found.empty()) return std::nullopt;
    return found[country_.pick(found.size())];
  }

  /// The cells that refer to others, which an edit leaves as they are.
  GroupValue edited(std::size_t place, const RootKey& root, const GroupName& group) {
    std::vector<NamedCell> kept;
    const auto old = country_.staff(place).value_of({root, group});
    if (old)
      for (const char* column : {"patient_id", "visit_id", "location_id", "person_id", "encounter_id", "name"})
        if (const auto text = find_cell(*old, column)) kept.push_back({column, *text});
    return country_.staff(place).fresh(kept);
  }

  GroupName some_group(std::size_t place, const RootKey& root) {
    const auto row = country_.node(place).openmrs.find(root);
    std::vector<GroupName> names;
    for (const auto& [name, value] : row->groups)
      if (!is_bookkeeping(name)) names.push_back(name);
    if (root.table == "person" && country_.perhaps(20)) return "person_name/n" + std::to_string(country_.pick(3));
    return names[country_.pick(names.size())];
  }

  Groups some_edit(std::size_t place, const RootKey& root) {
    Groups groups;
    for (std::size_t count = 1 + country_.pick(2); count > 0; --count) {
      const GroupName group = some_group(place, root);
      groups[group] = edited(place, root, group);
      if (!may_purge(place)) continue;
      if (memory::row_of(group).empty() || !country_.staff(place).value_of({root, group}) || !country_.perhaps(15))
        continue;
      groups[group] = std::nullopt;
    }
    if (root.table != "location_tag_map" && country_.perhaps(40)) {
      const std::string date = std::to_string(country_.node(place).clock.utc().count());
      groups["changed"] = encode_cells({{"date_changed", date}});
    }
    return groups;
  }

  void register_patient(std::size_t place) {
    std::map<RootKey, Groups> roots;
    Staff& staff = country_.staff(place);
    const RootKey person = fresh("person", place);
    roots[person] = {{"gender", staff.fresh()}, {"person_name/n0", staff.fresh()}};
    if (country_.perhaps(50)) {
      const RootKey visit = fresh("visit", place), encounter = fresh("encounter", place);
      roots[visit] = {{"row", staff.fresh({{"patient_id", person.key}})}};
      roots[encounter] = {{"row", staff.fresh({{"patient_id", person.key}, {"visit_id", visit.key}})}};
      for (std::size_t obs = country_.pick(4); obs > 0; --obs)
        roots[fresh("obs", place)] = {
            {"row", staff.fresh({{"person_id", person.key}, {"encounter_id", encounter.key}})}};
    }
    (void)staff.write_many(roots);
  }

  void add_clinical(std::size_t place) {
    Staff& staff = country_.staff(place);
    const auto person = some(place, "person");
    if (!person) return;
    const auto visit = some(place, "visit"), encounter = some(place, "encounter"), location = some(place, "location");
    std::vector<NamedCell> cells{{"patient_id", person->key}};
    switch (country_.pick(4)) {
      case 3:
        if (encounter) {  // an encounter that is there moves into a visit made in the same transaction
          const RootKey made = fresh("visit", place);
          const auto old = staff.value_of({*encounter, "row"});
          const std::string patient(old ? find_cell(*old, "patient_id").value_or(person->key) : person->key);
          (void)staff.write_many(
              {{made, {{"row", staff.fresh({{"patient_id", patient}})}}},
               {*encounter, {{"row", staff.fresh({{"patient_id", patient}, {"visit_id", made.key}})}}}});
        }
        break;
      case 0:
        (void)staff.write(fresh("visit", place), {{"row", staff.fresh(cells)}});
        break;
      case 1:
        if (visit && country_.perhaps(60)) cells.push_back({"visit_id", visit->key});
        if (location && country_.perhaps(60)) cells.push_back({"location_id", location->key});
        (void)staff.write(fresh("encounter", place), {{"row", staff.fresh(cells)}});
        break;
      default:
        cells = {{"person_id", person->key}};
        if (encounter && country_.perhaps(70)) cells.push_back({"encounter_id", encounter->key});
        (void)staff.write(fresh("obs", place), {{"row", staff.fresh(cells)}});
    }
  }

  void metadata(std::size_t place) {
    if (!options_.metadata) return;
    Staff& staff = country_.staff(place);
    const auto location = some(place, "location");
    if (!location || country_.perhaps(30)) {
      const RootKey root = fresh("location", place);
      (void)staff.write(root, {{"name", staff.fresh({{"name", root.key}})}});
    } else if (country_.perhaps(50)) {
      (void)staff.write(fresh("location_tag_map", place), {{"life", staff.fresh({{"location_id", location->key}})}});
    } else if (const auto link = some(place, "location_tag_map"); link && options_.purges && may_purge(place)) {
      (void)staff.purge(*link);
    }
  }

  void write_something(std::size_t place) {
    Staff& staff = country_.staff(place);
    const std::size_t what = country_.pick(100);
    if (what < 12) return register_patient(place);
    if (what < 30) return add_clinical(place);
    if (what < 36) return metadata(place);
    const auto root = anything(place);
    if (!root) return;
    if (what < 60) {
      (void)staff.write(*root, some_edit(place, *root));
    } else if (what < 70 && options_.stale_forms) {
      if (auto form = staff.open(*root)) forms_[place].push_back(std::move(*form));
      if (forms_[place].size() > 3) forms_[place].erase(forms_[place].begin());
    } else if (what < 85 && options_.stale_forms && !forms_[place].empty()) {
      const auto which = forms_[place].begin() + static_cast<std::ptrdiff_t>(country_.pick(forms_[place].size()));
      const memory::Form form = *which;
      forms_[place].erase(which);
      if (country_.node(place).openmrs.find(form.root)) (void)staff.save(form, some_edit(place, form.root));
    } else if (what < 90 && options_.purges && may_purge(place)) {
      const std::size_t which = country_.pick(10);
      const auto doomed = some(place, which < 6 ? "obs" : which < 9 ? "encounter" : "visit");
      if (doomed) (void)staff.purge(*doomed);
    } else if (staff.is_slow()) {
      staff.finish_slowly();
    } else {
      (void)staff.begin_slowly(*root, some_edit(place, *root));
    }
  }

  struct Copy {
    memory::TwinState database;
    std::unique_ptr<memory::MemoryStore> disk;
  };

  HistoryOptions options_;
  Country country_;
  std::map<std::size_t, Copy> copies_;
  std::set<std::size_t> uncompared_;  ///< where a copy was put back
  std::vector<std::vector<memory::Form>> forms_;
  std::uint64_t keys_ = 0;
  bool inside_ = false;
};

}  // namespace

std::vector<std::string> play_history(std::uint64_t seed, const HistoryOptions& options) {
  return History(seed, options).play();
}

}  // namespace omrsync::sim
