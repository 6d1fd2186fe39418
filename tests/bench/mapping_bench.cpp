// How fast the OpenMRS database is read as roots, captured, and written, in one process without the rest of a node.
//   mapping_bench SOCKET SOURCE TARGET: two databases of OpenMRS on one server (root, no password); TARGET has the
//   schema's
// own rows only. One JSON line a figure. Ends with 1 where the two do not hold the same afterwards.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <stdexcept>

#include "adapters/mysql/database.h"

using namespace omrsync;
using Clock = std::chrono::steady_clock;

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Stopwatch {
 public:
  void tell(const char* what, std::size_t count) const {
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    const double cpu = cpu_seconds() - cpu_;
    std::printf(
        "{\"bench\":\"mapping\",\"figure\":\"%s\",\"count\":%zu,\"seconds\":%.3f,\"per_second\":%.0f,\"per_cpu_"
        "second\":%.0f}\n",
        what, count, seconds, static_cast<double>(count) / seconds, static_cast<double>(count) / cpu);
    std::fflush(stdout);
  }

 private:
  Clock::time_point start_ = Clock::now();
  double cpu_ = cpu_seconds();
};

std::unique_ptr<mysql::MysqlDatabase> open(const std::string& socket, const std::string& name) {
  mysql::DatabaseOptions options;
  options.connection.socket = socket;
  options.connection.user = "root";
  const auto admin = must(mysql::Connection::open(options.connection));
  must(mysql::create_marker_schema(*admin, "omrsync_" + name));
  options.connection.database = name;
  options.site = name;
  return must(mysql::MysqlDatabase::open(std::move(options)));
}

using Roots = std::vector<ports::LoadedRoot>;

void each_page(mysql::MysqlDatabase& database, const std::string& table, const std::function<void(Roots&)>& visit) {
  auto snapshot = must(database.snapshot());
  std::string after;
  for (bool more = true; more;) {
    ports::Page page = must(snapshot->page(table, after, 1000));
    more = page.next.has_value();
    if (more) after = *page.next;
    visit(page.roots);
  }
}

void apply_set(mysql::MysqlDatabase& database, const std::vector<ports::RootWrite>& writes) {
  static std::size_t number = 0;
  auto unit = must(database.begin());
  must(unit->mark("bench-" + std::to_string(Clock::now().time_since_epoch().count()) + "-" + std::to_string(++number)));
  std::vector<RootKey> keys;
  for (const ports::RootWrite& write : writes) keys.push_back(write.root);
  must(unit->lock_read(keys));
  const ports::PutOutcome outcome = must(unit->put(writes));
  for (const ports::PutProblem& problem : outcome.problems) {
    std::fprintf(stderr, "%s %s: %s\n", problem.root.table.c_str(), problem.root.key.c_str(), problem.reason.c_str());
    for (const RootKey& missing : problem.missing)
      std::fprintf(stderr, "  %s %s\n", missing.table.c_str(), missing.key.c_str());
  }
  if (!outcome.problems.empty()) throw std::runtime_error("rows were refused");
  for (const ports::PutNotice& notice : outcome.notices)
    std::fprintf(stderr, "notice %d %s %s -> %s %s\n", static_cast<int>(notice.kind), notice.root.table.c_str(),
                 notice.root.key.c_str(), notice.other.table.c_str(), notice.other.key.c_str());
  must(unit->commit("plan"));
}

void apply_all(mysql::MysqlDatabase& database, const char* figure, const std::vector<ports::RootWrite>& writes,
               std::size_t at_once) {
  const Stopwatch watch;
  for (std::size_t at = 0; at < writes.size(); at += at_once)
    apply_set(database, {writes.begin() + static_cast<std::ptrdiff_t>(at),
                         writes.begin() + static_cast<std::ptrdiff_t>(std::min(writes.size(), at + at_once))});
  watch.tell(figure, writes.size());
}

ports::RootWrite write_of(const ports::LoadedRoot& root) {
  ports::RootWrite write{root.root, {}, false};
  for (const auto& [name, group] : root.content.groups) write.groups.emplace(name, group.value);
  return write;
}

std::size_t differences(mysql::MysqlDatabase& a, mysql::MysqlDatabase& b) {
  std::size_t different = 0;
  for (const ports::RootTable& table : must(a.tables())) {
    auto there = must(b.snapshot());
    each_page(a, table.table, [&](Roots& roots) {
      std::vector<RootKey> keys;
      for (const ports::LoadedRoot& root : roots) keys.push_back(root.root);
      const auto read = must(there->read(keys));
      for (std::size_t i = 0; i < roots.size(); ++i) {
        bool same = read[i].has_value() && read[i]->groups.size() == roots[i].content.groups.size();
        for (const auto& [name, group] : roots[i].content.groups)
          same = same && read[i]->groups.contains(name) && read[i]->groups.at(name).value == group.value;
        if (!same && different++ < 10)
          std::fprintf(stderr, "differs: %s %s\n", table.table.c_str(), keys[i].key.c_str());
      }
    });
  }
  return different;
}

int run(const std::string& socket, const std::string& from, const std::string& to) {
  const auto source = open(socket, from);
  const auto target = open(socket, to);
  {
    const Stopwatch watch;
    std::size_t count = 0;
    for (const ports::RootTable& table : must(source->tables()))
      each_page(*source, table.table, [&](Roots& roots) { count += roots.size(); });
    watch.tell("read_roots", count);
  }
  {
    const Stopwatch watch;
    std::size_t count = 0;
    each_page(*source, "obs", [&](Roots& roots) { count += roots.size(); });
    watch.tell("read_obs", count);
  }
  const auto log = target->changes();
  must(log->open(std::nullopt));
  std::vector<ports::RootWrite> metadata;  // and what cycles tie to it: persons with users and with programmes
  std::vector<ports::RootWrite> clinical;
  std::vector<ports::RootWrite> obs;
  for (const ports::RootTable& table : must(source->tables()))
    each_page(*source, table.table, [&](Roots& roots) {
      const bool first = table.table == "person" || table.table == "patient_program" ||
                         table.kind == ports::RootTable::Class::metadata;
      for (const ports::LoadedRoot& root : roots)
        (table.table == "obs" ? obs : first ? metadata : clinical).push_back(write_of(root));
    });
  apply_all(*target, "apply_metadata_and_persons", metadata, metadata.size());
  apply_all(*target, "apply_clinical", clinical, 200);
  apply_all(*target, "apply_obs", obs, 200);
  {
    const ports::LogPosition end = must(target->log_end());
    const Stopwatch watch;
    std::size_t count = 0;
    while (log->read_through() < end)
      if (const auto piece = must(log->next(std::chrono::milliseconds(1000)))) count += piece->roots.size();
    watch.tell("capture_roots", count);
  }
  const std::size_t different = differences(*source, *target);
  std::printf("{\"bench\":\"mapping\",\"figure\":\"different_roots\",\"count\":%zu}\n", different);
  return different == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return 2;
  try {
    return run(arguments[1], arguments[2], arguments[3]);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
