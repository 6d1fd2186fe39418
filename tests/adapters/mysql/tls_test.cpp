#include <fstream>

#include "adapters/mysql/binlog_position.h"
#include "tests/adapters/mysql/binlog_support.h"

using namespace omrsync;
using namespace omrsync::tests;

namespace {

/// A certification authority and a server certificate for "localhost", in a folder that the server may read.
class Certificates {
 public:
  Certificates() {
    std::string name = (std::filesystem::temp_directory_path() / "omrsync-certs-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = name;
    const auto at = [&](const char* file) { return (folder_ / file).string(); };
    for (const char* authority : {"ca", "other"})
      run_program({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                   "30", "-subj", std::string("/CN=") + authority, "-keyout", at(authority) + ".key", "-out",
                   at(authority) + ".pem"});
    run_program({"openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                 "/CN=localhost", "-keyout", at("server.key"), "-out", at("server.csr")});
    std::ofstream(folder_ / "ext") << "subjectAltName=DNS:localhost\n";
    run_program({"openssl", "x509", "-req", "-in", at("server.csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"),
                 "-CAcreateserial", "-days", "30", "-extfile", at("ext"), "-out", at("server.pem")});
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      std::filesystem::permissions(entry, std::filesystem::perms(0644));
    std::filesystem::permissions(folder_, std::filesystem::perms(0755));
  }
  ~Certificates() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  [[nodiscard]] std::string file(const char* name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

}  // namespace

TEST_CASE("over TLS the log is read as fast as it comes, and a stranger's certificate is refused") {
  const Certificates certificates;
  PrivateMariadb own({{"--ssl-ca=" + certificates.file("ca.pem"), "--ssl-cert=" + certificates.file("server.pem"),
                       "--ssl-key=" + certificates.file("server.key")},
                      false});
  own.sql(
      "CREATE DATABASE d; CREATE TABLE d.t(id INT PRIMARY KEY, v VARCHAR(300)); CREATE USER r@'%' REQUIRE SSL; GRANT "
      "ALL ON *.* TO r@'%';"
      "CREATE USER r@localhost REQUIRE SSL; GRANT ALL ON *.* TO r@localhost");
  ReaderOptions options = reading({"d"}, own);
  options.connection = {};
  options.connection.host = "localhost";
  options.connection.port = own.port();
  options.connection.user = "r";
  options.connection.tls_ca = certificates.file("ca.pem");
  options.wait = true;
  options.heartbeat = std::chrono::minutes(10);  // nothing but the log wakes the reader
  options.silence = std::chrono::minutes(11);
  const LogPosition from = end_of_log(own);
  const auto db = must(Connection::open(options.connection));
  CHECK_FALSE(must(db->rows("SHOW STATUS LIKE 'Ssl_cipher'"))[0][1].value_or("").empty());

  const auto reader = must(BinlogReader::open(options, from));
  for (int round = 0; round < 30; ++round) {
    own.sql("INSERT INTO t SELECT seq+" + std::to_string(round * 1000) + ", REPEAT('x',seq%300) FROM seq_1_to_700",
            "d");
    const LogPosition end = end_of_log(own);
    // All of it comes without any pause of the length of our patience: what lies decrypted in the client counts.
    std::size_t rows = 0;
    while (reader->read_through() < end) {
      const auto event = must(reader->next(std::chrono::seconds(20)));
      REQUIRE(event);
      if (const auto* some = std::get_if<Rows>(&*event)) rows += some->rows.size();
    }
    CHECK(rows == 700);
  }

  own.sql("KILL CONNECTION " + must(db->value("SELECT CONNECTION_ID()")).value());
  const auto lost = db->value("SELECT 1");
  REQUIRE_FALSE(lost);
  CHECK(lost.error().remedy == Remedy::reconnect);

  for (const bool wrong_authority : {true, false}) {
    ReaderOptions wrong = options;
    if (wrong_authority)
      wrong.connection.tls_ca = certificates.file("other.pem");
    else
      wrong.connection.host = "127.0.0.1";  // the certificate does not name it
    const auto refused = Connection::open(wrong.connection);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::tls_refused);
    const auto reader_refused = BinlogReader::open(wrong, from);
    REQUIRE_FALSE(reader_refused);
    CHECK(reader_refused.error().code == Code::tls_refused);
  }
}
