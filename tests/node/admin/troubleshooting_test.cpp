#include "node/admin/troubleshooting.h"

#include <fstream>
#include <sstream>

#include "node/admin/suggest.h"
#include "protocol/codes.h"
#include "tests/support/catch.h"

namespace omrsync::admin {

TEST_CASE("the troubleshooting page is what the list of codes says") {
  const std::ifstream file(OMRSYNC_SOURCE_DIR "/docs/troubleshooting.md");
  std::ostringstream page;
  page << file.rdbuf();
  CHECK(page.str() == troubleshooting_page());
}

TEST_CASE("every code has its place on the page") {
  const std::string page = troubleshooting_page();
  for (const CodeEntry& entry : all_codes()) CHECK(page.find("| " + to_string(entry.code) + " |") != std::string::npos);
}

TEST_CASE("a suggestion is the nearest word, or none") {
  const std::vector<std::string> words = {"status", "sync", "serve", "parent.push", "parent.pull"};
  CHECK(suggest("stauts", words) == "status");
  CHECK(suggest("Sync", words) == "sync");
  CHECK(suggest("parent.pul", words) == "parent.pull");
  CHECK_FALSE(suggest("banana", words));
  CHECK_FALSE(suggest("", words));
  CHECK_FALSE(suggest(std::string(1000, 's'), words));
}

}  // namespace omrsync::admin
