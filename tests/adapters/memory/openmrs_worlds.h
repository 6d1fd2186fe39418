#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters/memory/clinician.h"
#include "adapters/memory/clock.h"
#include "adapters/memory/openmrs_twin.h"
#include "adapters/memory/store.h"
#include "adapters/openmrs/shape.h"
#include "adapters/repository/repository.h"
#include "adapters/repository/tables.h"
#include "adapters/sqlite/store.h"
#include "protocol/cells.h"
#include "tests/support/result.h"
#include "tests/support/temporary_folder.h"

namespace omrsync::test {

/// What the contract tests need beside the ports: a database, and somebody else who writes to it. A new implementation
/// joins with a world of its own in OMRSYNC_OPENMRS_WORLDS; it has a patient's person row and a visit that must name
/// one.
class TwinWorld {
 public:
  using Holder = std::unique_ptr<memory::Clinician>;

  ports::OpenmrsDatabase& database() { return twin_; }
  std::unique_ptr<ports::ChangeSource> changes() { return twin_.changes(); }

  RootKey fresh(const std::string& table) {
    return {table, "00000000-0000-4000-8000-" + std::to_string(100'000'000'000 + ++keys_)};
  }
  static GroupValue gender(const std::string& text) { return encode_cells({{"gender", text}}); }
  static GroupValue alive() { return encode_cells({{"voided", "0"}}); }
  static GroupValue visit_of(const RootKey& person) { return encode_cells({{"patient_id", person.key}}); }

  /// Each a committed transaction of somebody else.
  void insert_person(const RootKey& person, const std::string& text) {
    must(user_.write_now(person, {{"life", alive()}, {"gender", gender(text)}}));
  }
  void insert_persons(const std::vector<RootKey>& persons) {
    user_.begin();
    for (const RootKey& person : persons) must(user_.write(person, {{"life", alive()}, {"gender", gender("F")}}));
    must(user_.commit());
  }
  void insert_visit(const RootKey& visit, const RootKey& person) {
    must(user_.write_now(visit, {{"life", alive()}, {"row", visit_of(person)}}));
  }
  void set_gender(const RootKey& person, const std::string& text) {
    must(user_.write_now(person, {{"gender", gender(text)}}));
  }
  void remove(const RootKey& root) { must(user_.purge_now(root)); }

  /// Somebody's open transaction that has changed the row; ends without effect when dropped.
  Holder hold(const RootKey& person) {
    auto other = std::make_unique<memory::Clinician>(twin_, "other");
    other->begin();
    must(other->write(person, {{"gender", gender("held")}}));
    return other;
  }

 private:
  memory::ManualClock clock_;
  memory::OpenmrsTwin twin_{memory::twin_schema(), 7, clock_};
  memory::Clinician user_{twin_, "user"};
  std::uint64_t keys_ = 0;
};

/// OpenMRS 2.7, for a repository.
inline std::shared_ptr<const openmrs::Model> shape_model() {
  static const auto model = std::make_shared<const openmrs::Model>(
      must(openmrs::compile_model(must(openmrs::parse_shape(openmrs::openmrs_shape())))));
  return model;
}

/// A repository over a store. Nobody but the node writes there: the somebody else is a unit without a marker.
class RepositoryWorld {
 public:
  using Holder = std::unique_ptr<ports::UnitOfWork>;

  explicit RepositoryWorld(std::unique_ptr<ports::Store> store) : store_(std::move(store)) {}

  ports::OpenmrsDatabase& database() { return repository_; }
  std::unique_ptr<ports::ChangeSource> changes() { return repository_.changes(); }

  RootKey fresh(const std::string& table) {
    return {table, "00000000-0000-4000-8000-" + std::to_string(100'000'000'000 + ++keys_)};
  }
  static GroupValue gender(const std::string& text) { return encode_cells({{"gender", text}}); }
  static GroupValue alive() { return encode_cells({{"voided", "0"}}); }
  static GroupValue visit_of(const RootKey& person) { return encode_cells({{"patient_id", person.key}}); }

  void insert_person(const RootKey& person, const std::string& text) { insert_persons({person}, text); }
  void insert_persons(const std::vector<RootKey>& persons, const std::string& text = "F") {
    std::vector<ports::RootWrite> writes;
    for (const RootKey& person : persons)
      writes.push_back({person, {{"life", alive()}, {"gender", gender(text)}}, false});
    write(writes);
  }
  void insert_visit(const RootKey& visit, const RootKey& person) {
    write({{visit, {{"life", alive()}, {"row", visit_of(person)}}, false}});
  }
  void set_gender(const RootKey& person, const std::string& text) {
    write({{person, {{"gender", gender(text)}}, false}});
  }
  void remove(const RootKey& root) { write({{root, {}, true}}); }

  Holder hold(const RootKey& person) {
    auto other = must(repository_.begin());
    must(other->lock_read(std::span(&person, 1)));
    return other;
  }

 private:
  void write(const std::vector<ports::RootWrite>& writes) {
    const auto unit = must(repository_.begin());
    must(unit->put(writes));
    must(unit->commit(""));
  }

  std::unique_ptr<ports::Store> store_;
  memory::ManualClock clock_;
  repository::Repository repository_{*store_, clock_, {shape_model(), {7}, {}, {}}};
  std::uint64_t keys_ = 0;
};

class MemoryRepositoryWorld : public RepositoryWorld {
 public:
  MemoryRepositoryWorld() : RepositoryWorld(std::make_unique<memory::MemoryStore>(repository::tables::kAll)) {}
};

struct FolderFirst {
  TemporaryFolder folder;
};

class SqliteRepositoryWorld : private FolderFirst, public RepositoryWorld {
 public:
  SqliteRepositoryWorld() : RepositoryWorld(must(sqlite::open_store(folder / "node.db", repository::tables::kAll))) {}
};

#define OMRSYNC_OPENMRS_WORLDS \
  omrsync::test::TwinWorld, omrsync::test::MemoryRepositoryWorld, omrsync::test::SqliteRepositoryWorld

/// Those where a row must find what it refers to; a repository takes it as it is.
#define OMRSYNC_RELATIONAL_WORLDS omrsync::test::TwinWorld

}  // namespace omrsync::test
