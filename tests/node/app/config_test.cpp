#include "node/app/config.h"

#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "adapters/system/files.h"
#include "node/app/config_keys.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace omrsync::app {
namespace {

struct Site {
  test::TempFolder folder;
  std::filesystem::path file = folder / "omrsync.toml";

  void write(const std::string& text) const { REQUIRE(system::write_file_atomically(file, text, 0600)); }
  void write_secret(const std::string& name, mode_t mode = 0600) const {
    REQUIRE(system::write_file_atomically(folder / name, "secret\n", 0600));
    ::chmod((folder / name).c_str(), mode);
  }
  [[nodiscard]] std::vector<Mistake> mistakes() const { return load_config(file).value().mistakes; }
};

const std::string kNode = "[node]\nname = \"kitale\"\ntimezone = \"Africa/Nairobi\"\n";

const Mistake* about(const std::vector<Mistake>& mistakes, std::string_view key) {
  for (const Mistake& mistake : mistakes)
    if (mistake.key == key) return &mistake;
  return nullptr;
}

}  // namespace

TEST_CASE("a child's file becomes a configuration with absolute paths and defaults") {
  const Site site;
  site.write_secret("pw");
  site.write(kNode +
             "[openmrs]\ndatabase = \"openmrs\"\nuser = \"omrsync\"\npassword_file = \"pw\"\n"
             "[parent]\nurl = \"https://hq.example.org:8443\"\npush = \"5min\"\nmax_rate = \"64KiB/s\"\n");

  const auto config = load_valid_config(site.file);

  REQUIRE(config);
  CHECK(config->role() == "child");
  CHECK(config->node.state_dir == site.folder / "state");
  CHECK(config->store_file == site.folder / "state/node.db");
  CHECK(config->openmrs->host == "127.0.0.1");
  CHECK(config->openmrs->port == 3306);
  CHECK(config->openmrs->marker_schema == "omrsync_openmrs");
  CHECK(config->openmrs->password_file == site.folder / "pw");
  CHECK(config->parent->push == std::chrono::minutes(5));
  CHECK(config->parent->pull == std::chrono::minutes(1));
  CHECK(config->parent->max_rate.bytes_per_second_at(0) == 65536);
  CHECK(config->link_client == "curl");
  CHECK_FALSE(config->listen);
}

TEST_CASE("a parent that is a FHIR repository only has no openmrs section, and an empty listen section listens") {
  const Site site;
  site.write(kNode + "[listen]\n");

  const auto config = load_valid_config(site.file);

  REQUIRE(config);
  CHECK(config->role() == "parent");
  CHECK_FALSE(config->openmrs);
  CHECK(config->listen->address == "0.0.0.0:8443");
}

TEST_CASE("all mistakes are reported together, each with its line, key and remedy") {
  const Site site;
  site.write(
      "[node]\nname = \"Kitale!\"\ntimezome = \"Africa/Nairobi\"\n[parent]\nurl = \"http://hq\"\npush = 5\n"
      "[lisen]\nadress = \"x\"\n");

  const auto mistakes = site.mistakes();

  REQUIRE(mistakes.size() == 6);
  CHECK(about(mistakes, "node.name")->line == 2);
  CHECK(about(mistakes, "node.timezome")->line == 3);
  CHECK(about(mistakes, "node.timezome")->remedy == "Did you mean node.timezone?");
  CHECK(about(mistakes, "node.timezone")->fault == "is missing");
  CHECK(about(mistakes, "parent.url")->line == 5);
  CHECK(about(mistakes, "parent.push")->fault.find("needs a unit") == 0);
  CHECK(about(mistakes, "lisen")->remedy == "Did you mean [listen]?");
  for (const Mistake& mistake : mistakes) CHECK_FALSE(mistake.remedy.empty());
  CHECK(to_string(*about(mistakes, "parent.push"), "/etc/omrsync.toml")
            .find("/etc/omrsync.toml:6: parent.push needs a unit") == 0);
}

TEST_CASE("a secret that others may read, or that is not there, is a mistake") {
  const Site site;
  site.write(kNode + "[openmrs]\ndatabase = \"openmrs\"\nuser = \"omrsync\"\npassword_file = \"pw\"\n");

  REQUIRE(about(site.mistakes(), "openmrs.password_file") != nullptr);
  site.write_secret("pw", 0640);
  CHECK(about(site.mistakes(), "openmrs.password_file")->fault.find("SYNC-6005") != std::string::npos);
  site.write_secret("pw", 0400);
  CHECK(site.mistakes().empty());
}

TEST_CASE("a secret is also looked for among the service manager's credentials") {
  const Site site;
  const test::TempFolder credentials;
  REQUIRE(system::write_file_atomically(credentials / "pw", "secret\n", 0600));
  ::chmod((credentials / "pw").c_str(), 0440);
  site.write(kNode + "[openmrs]\ndatabase = \"openmrs\"\nuser = \"omrsync\"\npassword_file = \"pw\"\n");

  ::setenv("CREDENTIALS_DIRECTORY", credentials.path().c_str(), 1);
  const auto config = load_valid_config(site.file);
  const auto password = system::read_secret_file(credentials / "pw");
  ::unsetenv("CREDENTIALS_DIRECTORY");

  REQUIRE(config);
  CHECK(config->openmrs->password_file == credentials / "pw");
  REQUIRE(password);
  CHECK(*password == "secret");
}

TEST_CASE("a torn file names the line where reading stopped") {
  const Site site;
  site.write(kNode + "[parent\nurl = 3\n");

  const auto mistakes = site.mistakes();

  REQUIRE(mistakes.size() == 1);
  CHECK(mistakes[0].line == 4);
}

TEST_CASE("keys that contradict each other are a mistake") {
  const Site site;
  site.write(kNode +
             "[openmrs]\nhost = \"db\"\nsocket = \"/run/x\"\ndatabase = \"openmrs\"\nuser = \"u\"\nmarker_schema = "
             "\"openmrs\"\n"
             "[console]\naddress = \"0.0.0.0:8480\"\n[store]\nurl = \"postgresql://x/y\"\n");

  const auto mistakes = site.mistakes();

  CHECK(about(mistakes, "openmrs.socket") != nullptr);
  CHECK(about(mistakes, "openmrs.marker_schema") != nullptr);
  CHECK(about(mistakes, "console.address") != nullptr);
  CHECK(about(mistakes, "store.url") != nullptr);
}

TEST_CASE("no file is a code of its own") {
  const test::TempFolder folder;
  CHECK(load_config(folder / "none.toml").error().code == Code::config_missing);
}

TEST_CASE("what is shown as JSON can be set again and changes nothing") {
  const Site site;
  site.write(kNode +
             "[parent]\nurl = \"https://hq:8443\"\npush = \"5min\"\n[scope]\nexclude_tables = [\"a\", \"b\"]\n");
  const auto shown = config_as_json(site.file, false).value();

  const auto mistakes = set_config(site.file, shown, false);

  REQUIRE(mistakes);
  CHECK(mistakes->empty());
  CHECK(config_as_json(site.file, false).value() == shown);
  CHECK(load_valid_config(site.file)->excluded_tables == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a set with one mistake leaves the file as it was, byte for byte") {
  const Site site;
  site.write(kNode + "# a note\n");
  const auto before = system::read_file(site.file).value();
  auto document = config_as_json(site.file, false).value();
  document.set("parent", Json(Json::Object{{"url", "https://hq:8443"}, {"push", 5}}));

  const auto mistakes = set_config(site.file, document, false);

  REQUIRE(mistakes);
  CHECK(mistakes->size() == 1);
  CHECK(system::read_file(site.file).value() == before);
  CHECK_FALSE(std::filesystem::exists(site.file.string() + ".previous"));
}

TEST_CASE("a merge changes only what it names, and null removes") {
  const Site site;
  site.write(kNode + "[parent]\nurl = \"https://hq:8443\"\npush = \"5min\"\n");

  REQUIRE(set_config(site.file, parse_json(R"({"parent":{"push":null,"pull":"2min"}})").value(), true)->empty());

  const auto shown = config_as_json(site.file, false).value();
  CHECK(value_at(shown, "parent.pull") == Json("2min"));
  CHECK(value_at(shown, "parent.push").is_null());
  CHECK(value_at(shown, "parent.url") == Json("https://hq:8443"));
}

TEST_CASE("the written file is private and mentions every key") {
  const Site site;
  site.write(kNode);
  REQUIRE(set_config(site.file, config_as_json(site.file, false).value(), false)->empty());

  struct stat about_file {};
  REQUIRE(::stat(site.file.c_str(), &about_file) == 0);
  CHECK((about_file.st_mode & 0777) == 0600);
  const auto text = system::read_file(site.file).value();
  for (const KeySpec& key : all_keys())
    CHECK(text.find(std::string(name_in_section(key.key)) + " = ") != std::string::npos);
}

TEST_CASE("each default and each example passes its own check") {
  const test::TempFolder folder;
  for (const KeySpec& key : all_keys()) {
    if (key.kind == Kind::secret_file) continue;
    const Site site;
    for (const std::string_view value : {key.fallback, key.example}) {
      if (value.empty()) continue;
      const bool bare = key.kind == Kind::port || key.kind == Kind::list;
      const std::string quote = bare ? "" : "\"";
      site.write("[" + std::string(section_of(key.key)) + "]\n" + std::string(name_in_section(key.key)) + " = " +
                 quote + std::string(value) + quote + "\n");
      INFO(key.key << " = " << value);
      const auto mistakes = site.mistakes();
      const Mistake* mistake = about(mistakes, key.key);
      CHECK(mistake == nullptr);
    }
  }
}

TEST_CASE("a reload takes up some keys and names those that need a start") {
  const Site site;
  site.write(kNode + "[parent]\nurl = \"https://hq:8443\"\n");
  const auto now = load_valid_config(site.file).value();
  site.write(kNode + "[parent]\nurl = \"https://other:8443\"\npush = \"9min\"\n[listen]\n");
  const auto then = load_valid_config(site.file).value();

  CHECK(keys_that_need_a_start(now, then) ==
        std::vector<std::string>{"parent.url", "listen.address", "listen.certificate_life"});
}

TEST_CASE("the reference page is what the table says") {
  const std::filesystem::path page = std::filesystem::path(OMRSYNC_SOURCE_DIR) / "docs/configuration.md";
  CHECK(system::read_file(page).value() == reference_page());
}

}  // namespace omrsync::app
