#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/adapters/store/worlds.h"

using namespace omrsync;
using namespace omrsync::test;
using namespace std::chrono_literals;

namespace {

/// Speaks SQL to the file behind the store's back.
std::string sql(const std::filesystem::path& file, const std::string& text) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  std::string answer;
  char* message = nullptr;
  const auto take = [](void* out, int, char** columns, char**) {
    *static_cast<std::string*>(out) += columns[0] == nullptr ? "" : columns[0];
    return 0;
  };
  const int code = sqlite3_exec(db, text.c_str(), take, &answer, &message);
  INFO((message == nullptr ? "" : message));
  CHECK(code == SQLITE_OK);
  sqlite3_free(message);
  sqlite3_close(db);
  return answer;
}

mode_t mode_of(const std::filesystem::path& file) {
  struct stat found {};
  REQUIRE(::stat(file.c_str(), &found) == 0);
  return found.st_mode & 0777;
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("nobody but its owner may read the store", "[store][sqlite]") {
  const TemporaryFolder folder;
  const auto file = folder / "node.db";
  const mode_t before = ::umask(0);
  const auto store = must(sqlite::open_store(file, kTables));
  put_and_commit(*store, kRows, {{"k", "v"}});
  ::umask(before);
  CHECK(mode_of(file) == 0600);
  CHECK(mode_of(folder / "node.db-wal") == 0600);
  CHECK(mode_of(folder / "node.db-shm") == 0600);
}

TEST_CASE("a store that others may read is closed to them at opening", "[store][sqlite]") {
  const TemporaryFolder folder;
  const auto file = folder / "node.db";
  must(sqlite::open_store(file, kTables)).reset();
  REQUIRE(::chmod(file.c_str(), 0644) == 0);
  const auto store = must(sqlite::open_store(file, kTables));
  CHECK(mode_of(file) == 0600);
}

TEST_CASE("opening with more tables adds them and keeps what is there", "[store][sqlite]") {
  const TemporaryFolder folder;
  const auto file = folder / "node.db";
  {
    const auto store = must(sqlite::open_store(file, kTables));
    put_and_commit(*store, kRows, {{"k", "v"}});
  }
  const std::array<std::string_view, 2> others{"rows", "conflicts"};
  {
    const auto store = must(sqlite::open_store(file, others));
    put_and_commit(*store, ports::TableName{"conflicts"}, {{"c", "1"}});
    CHECK(committed(*store, kRows) == Pairs{{"k", "v"}});
  }
  const auto store = must(sqlite::open_store(file, kTables));
  CHECK(committed(*store, kBodies).empty());
}

TEST_CASE("a store of a later format is refused and left untouched", "[store][sqlite]") {
  const TemporaryFolder folder;
  const auto file = folder / "node.db";
  must(sqlite::open_store(file, kTables)).reset();
  CHECK(sql(file, "PRAGMA user_version") == "1");
  sql(file, "PRAGMA user_version=2");
  const std::string before = bytes_of(file);
  const Error refused = must_fail(sqlite::open_store(file, kTables));
  CHECK(refused.code == Code::store_newer);
  CHECK(refused.remedy == Remedy::stop_node);
  const bool is_untouched = bytes_of(file) == before;
  CHECK(is_untouched);
}

TEST_CASE("somebody else's database is refused and left untouched", "[store][sqlite]") {
  const TemporaryFolder folder;
  const auto file = folder / "other.db";
  sql(file, "CREATE TABLE person(name)");
  const std::string before = bytes_of(file);
  CHECK(must_fail(sqlite::open_store(file, kTables)).code == Code::store_damaged);
  const bool is_untouched = bytes_of(file) == before;
  CHECK(is_untouched);
}

TEST_CASE("a damaged store says so and asks the node to stop", "[store][sqlite]") {
  const TemporaryFolder folder;
  const auto file = folder / "node.db";
  {
    const auto store = must(sqlite::open_store(file, kTables));
    Pairs many;
    for (int i = 1000; i < 3000; ++i) many.emplace_back(std::to_string(i), std::string(100, 'v'));
    put_and_commit(*store, kRows, many);
  }
  SECTION("its head: at opening") {
    std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).write("not a database at all", 21);
    const Error failed = must_fail(sqlite::open_store(file, kTables));
    CHECK(failed.code == Code::store_damaged);
    CHECK(failed.remedy == Remedy::stop_node);
  }
  SECTION("its pages: when they are met") {
    std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
    const auto size = std::filesystem::file_size(file);
    for (std::uintmax_t page = 5 * 4096; page < size; page += 4096) {
      out.seekp(static_cast<std::streamoff>(page));
      out.write(std::string(4096, '\x5A').c_str(), 4096);
    }
    out.close();
    const auto store = must(sqlite::open_store(file, kTables));
    const auto reading = must(store->read());
    const Error failed = must_fail(reading->scan(kRows, "", "", 10'000, [](const ports::Entry&) { return true; }));
    CHECK(failed.code == Code::store_damaged);
    CHECK(failed.remedy == Remedy::stop_node);
    CHECK(failed.message.find("1000") == std::string::npos);
    CHECK(must_fail(reading->get(kRows, "1000")).code == Code::defect);
  }
}

TEST_CASE("a writer of another process is waited for, then reported as busy", "[store][sqlite]") {
  const TemporaryFolder folder;
  const auto file = folder / "node.db";
  const auto store = must(sqlite::open_store(file, kTables, sqlite::Settings{.patience = 20ms}));
  const auto other =
      must(sqlite::open_store(file, kTables));  // stands for the other process: it knows nothing of `store`
  auto writing = must(other->write());
  must(writing->put(kRows, "k", "other"));
  const Error failed = must_fail(store->write());
  CHECK(failed.code == Code::store_busy);
  CHECK(failed.remedy == Remedy::retry_later);
  CHECK(committed(*store, kRows).empty());
  must(writing->commit());
  put_and_commit(*store, kMarks, {{"m", "mine"}});
  CHECK(committed(*other, kMarks).size() == 1);
  CHECK(committed(*store, kRows) == Pairs{{"k", "other"}});
}

TEST_CASE("what was erased is not in the file any more", "[store][sqlite]") {
  const TemporaryFolder folder;
  const auto file = folder / "node.db";
  {
    const auto store = must(sqlite::open_store(file, kTables));
    put_and_commit(*store, kRows, {{"k", "a-secret-that-was-kept"}, {"l", "b"}});
    put_and_commit(*store, kBodies, {{"k", "a-secret-that-was-kept"}});
  }
  REQUIRE(bytes_of(file).find("a-secret-that-was-kept") != std::string::npos);
  {
    const auto store = must(sqlite::open_store(file, kTables));
    const auto writing = must(store->write());
    must(writing->erase(kRows, "k", "l"));
    must(writing->erase(kBodies, "", ""));
    must(writing->commit());
  }
  const bool is_gone = bytes_of(file).find("a-secret-that-was-kept") == std::string::npos;
  CHECK(is_gone);
}

TEST_CASE("the log beside the file stays small", "[store][sqlite]") {
  const TemporaryFolder folder;
  const auto store = must(sqlite::open_store(folder / "node.db", kTables));
  const auto log = folder / "node.db-wal";
  const std::string body(100'000, 'b');
  SECTION("while much is written") {
    for (int i = 0; i < 300; ++i) put_and_commit(*store, kBodies, {{std::to_string(i), body}});
    CHECK(std::filesystem::file_size(log) < 8'000'000);
  }
  SECTION("again, after a reader that stayed long") {
    auto reading = must(store->read());
    for (int i = 0; i < 300; ++i) put_and_commit(*store, kBodies, {{std::to_string(i), body}});
    CHECK(std::filesystem::file_size(log) > 30'000'000);
    CHECK(scanned(*reading, kBodies).empty());
    reading.reset();
    for (int i = 0; i < 2; ++i) put_and_commit(*store, kRows, {{std::to_string(i), "v"}});
    CHECK(std::filesystem::file_size(log) < 8'000'000);
  }
  SECTION("again, after one large value") {
    put_and_commit(*store, kBodies, {{"big", std::string(20'000'000, 'b')}});
    for (int i = 0; i < 2; ++i) put_and_commit(*store, kRows, {{std::to_string(i), "v"}});
    CHECK(std::filesystem::file_size(log) < 8'000'000);
  }
}
