// How fast the log is read and decoded, beside `mariadb-binlog -v` on the same file. One JSON line a figure.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>

#include "adapters/mysql/binlog_reader.h"
#include "tests/support/private_mariadb.h"

using namespace omrsync;

namespace {

constexpr const char* kObs =
    "CREATE TABLE obs (obs_id INT NOT NULL AUTO_INCREMENT, person_id INT NOT NULL, concept_id INT DEFAULT 0 NOT NULL,"
    "encounter_id INT, order_id INT, obs_datetime DATETIME NOT NULL, location_id INT, obs_group_id INT,"
    "accession_number VARCHAR(255), value_group_id INT, value_coded INT, value_coded_name_id INT, value_drug INT,"
    "value_datetime DATETIME, value_numeric DOUBLE, value_modifier VARCHAR(2), value_text TEXT, value_complex "
    "VARCHAR(1000),"
    "comments VARCHAR(255), creator INT DEFAULT 0 NOT NULL, date_created DATETIME NOT NULL, voided TINYINT(1) DEFAULT "
    "0 NOT NULL,"
    "voided_by INT, date_voided DATETIME, void_reason VARCHAR(255), uuid CHAR(38) NOT NULL, previous_version INT,"
    "form_namespace_and_path VARCHAR(255), status VARCHAR(16) DEFAULT 'FINAL' NOT NULL, interpretation VARCHAR(32),"
    "PRIMARY KEY (obs_id), UNIQUE KEY uuid (uuid)) ENGINE=InnoDB;";

double own_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

struct Read {
  std::size_t rows = 0;
  std::size_t cells = 0;
};

Read read_log(const tests::PrivateMariadb& server, const std::string& file) {
  mysql::ReaderOptions options;
  options.connection.socket = server.socket();
  options.connection.user = "root";
  options.schemas = {"bench"};
  options.replica_id = 4711;
  options.wait = false;
  const auto reader = must(mysql::BinlogReader::open(options, {file, 4, "", 0}));
  Read read;
  for (;;) {
    const auto event = must(reader->next(std::chrono::seconds(60)));
    if (!event) throw std::runtime_error("the log did not end");
    if (std::holds_alternative<mysql::LogEnd>(*event) || std::holds_alternative<mysql::Rotate>(*event)) return read;
    const auto* rows = std::get_if<mysql::Rows>(&*event);
    if (rows == nullptr) continue;
    read.rows += rows->rows.size();
    for (const auto& row : rows->rows) read.cells += row.before.size() + row.after.size();
  }
}

void figure(const char* name, double value, const char* unit, double baseline, const std::string& setting) {
  std::printf(
      "{\"bench\":\"binlog\",\"figure\":\"%s\",\"value\":%.1f,\"unit\":\"%s\",\"baseline\":\"mariadb-binlog -v, same "
      "file\","
      "\"ratio\":%.2f,\"setting\":\"%s\"}\n",
      name, value, unit, baseline > 0 ? value / baseline : 0, setting.c_str());
}

void measure(const tests::PrivateMariadb& server, const std::string& file, const std::string& setting) {
  const std::string path = (server.data_dir() / file).string();
  Read read;
  const double cpu_before = own_cpu_seconds();
  const double ours = seconds_of([&] { read = read_log(server, file); });
  const double cpu = own_cpu_seconds() - cpu_before;
  const double theirs = seconds_of([&] {
    tests::run_program({"sh", "-c", "mariadb-binlog --no-defaults -v '" + path + "' > /dev/null"});
  });
  const auto rows = static_cast<double>(read.rows);
  const auto megabytes = static_cast<double>(std::filesystem::file_size(path)) / 1e6;
  figure("rows_per_second", rows / ours, "rows/s", rows / theirs, setting);
  figure("rows_per_cpu_second", rows / cpu, "rows/s", 0, setting);
  figure("megabytes_per_second", megabytes / ours, "MB/s", megabytes / theirs, setting);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string rows = argc > 1 ? argv[1] : "300000";
  tests::PrivateMariadb server;
  server.sql("CREATE DATABASE bench; USE bench; " + std::string(kObs) + "FLUSH BINARY LOGS");
  server.sql(
      "INSERT INTO obs (person_id, concept_id, encounter_id, obs_datetime, location_id, value_coded, value_numeric, "
      "value_text,"
      "creator, date_created, uuid, status) SELECT seq DIV 60, seq % 300, seq DIV 12, '2024-05-06 07:08:09', 1,"
      "IF(seq%3=0,seq%100,NULL), IF(seq%3=1,seq/7,NULL), IF(seq%3=2,CONCAT('Note é ',seq),NULL), 1, '2024-05-06 "
      "07:08:10',"
      "UUID(), 'FINAL' FROM seq_1_to_" +
          rows + "; FLUSH BINARY LOGS; UPDATE obs SET comments='x'; FLUSH BINARY LOGS",
      "bench");
  std::string single = "SET autocommit=1;";
  for (int i = 0; i < 20000; ++i)
    single +=
        "INSERT INTO obs (person_id, obs_datetime, value_numeric, creator, date_created, uuid) VALUES (1,'2024-05-06 "
        "07:08:09',"
        "98.6,1,'2024-05-06 07:08:10',UUID());";
  server.sql(single, "bench");
  measure(server, "binlog.000002", rows + " obs inserted by one statement");
  measure(server, "binlog.000003", rows + " obs updated by one statement");
  measure(server, "binlog.000004", "20000 transactions of one obs");
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  figure("max_rss", static_cast<double>(usage.ru_maxrss) / 1024, "MB", 0,
         "this program, statements of the set-up included");
  return 0;
}
