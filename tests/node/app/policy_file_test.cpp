#include "node/app/policy_file.h"

#include <sys/stat.h>

#include <fstream>

#include "adapters/system/files.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace omrsync::app {
namespace {

const std::string kHead = "name = \"national\"\nversion = 3\n";

CheckedPolicy read(const std::string& text, const std::filesystem::path& folder = "/") {
  return policy_from_toml(text, folder);
}

/// The one mistake, as a person reads it.
std::string mistake(const std::string& text, const std::filesystem::path& folder = "/") {
  const auto checked = read(text, folder);
  CHECK_FALSE(checked.policy);
  REQUIRE(checked.mistakes.size() == 1);
  return to_string(checked.mistakes.front(), "policy.toml");
}

}  // namespace

TEST_CASE("a policy file becomes rules in its order, with their lines") {
  const auto checked =
      read(kHead +
           "# gender\n[[rule]]\ntype = \"Patient\"\ngroup = \"gender\"\npolicy = \"parent-wins\"\n\n"
           "[[rule]]\ntype = \"Patient\"\nsite = \"kit*\"\npolicy = \"newest-wins\"\nelse = \"shown-wins\"\n");
  REQUIRE(checked.policy);
  const conflict::Policy& policy = *checked.policy;
  CHECK(policy.name == "national");
  CHECK(policy.version == 3);
  REQUIRE(policy.rules.size() == 2);
  CHECK(describe(policy.rules[0]) == "Patient, gender, from any site: parent-wins, else manual (line 4)");
  CHECK(describe(policy.rules[1]) == "Patient, any field, written at kit*: newest-wins, else shown-wins (line 9)");
}

TEST_CASE("each mistake in a policy names its line and what to do") {
  CHECK(mistake(kHead + "[[rule]]\npolicy = \"last-wins\"\n")
            .starts_with("policy.toml:4: policy 'last-wins' is no policy. Use one of safe, parent-wins,"));
  CHECK(mistake("[[rule]]\npolicy = \"manual\"\n") ==
        "policy.toml: version is missing. Write version = 1, and count it up with every change.");
  CHECK(
      mistake(kHead + "[[rule]]\ntype = \"Patient\"\n").starts_with("policy.toml:3: policy is missing in this rule."));
  CHECK(mistake(kHead + "[[rule]]\npolicy = \"manual\"\nfield = \"x\"\n")
            .starts_with("policy.toml:5: field is not known."));
  CHECK(mistake(kHead + "colour = 1\n").starts_with("policy.toml:3: colour is not known."));
  CHECK(mistake("name = \"safe\"\nversion = 1\n").starts_with("policy.toml:1: name is no name."));
  CHECK(mistake(kHead + "[[rule]]\npolicy = \"program\"\n")
            .starts_with("policy.toml:3: program is missing in this rule."));
  CHECK(mistake(kHead + "[[rule]]\npolicy = \"program\"\nprogram = \"ask\"\n", "/nowhere")
            .find("is no file: /nowhere/ask") != std::string::npos);
  CHECK(
      mistake(kHead + "[[rule]]\npolicy = \"manual\"\n[[rule]]\ntype = \"Patient\"\npolicy = \"manual\"\n") ==
      "policy.toml:5: rule never counts: the one in line 3 fits first. Put the narrower rule before it, or delete it.");
  CHECK(mistake(kHead + "[[rule]\n").starts_with("policy.toml:3: "));
}

TEST_CASE("a program that others can change is refused") {
  const test::TempFolder folder;
  const std::string path = (folder / "ask").string();
  std::ofstream(path) << "#!/bin/sh\n";
  const std::string text = kHead + "[[rule]]\npolicy = \"program\"\nprogram = \"ask\"\n";

  ::chmod(path.c_str(), 0700);
  const auto checked = read(text, folder / "");
  REQUIRE(checked.policy);
  CHECK(checked.policy->rules[0].program == path);

  ::chmod(path.c_str(), 0777);
  CHECK(mistake(text, folder / "").find("can be changed by others") != std::string::npos);
  ::chmod(path.c_str(), 0600);
  CHECK(mistake(text, folder / "").find("may not be run") != std::string::npos);
}

TEST_CASE("without a policy file the built-in rules count, and a file that is not there is said") {
  Config config;
  CHECK(load_valid_policy(config).value()->name == "safe");
  config.policy_file = "/nowhere/policy.toml";
  CHECK(load_valid_policy(config).error().code == Code::config_missing);
}

TEST_CASE("the example policy has no mistakes") {
  const auto checked = load_policy(std::filesystem::path(OMRSYNC_SOURCE_DIR) / "examples/policies/policy.toml");
  REQUIRE(checked);
  for (const Mistake& each : checked->mistakes) UNSCOPED_INFO(to_string(each, "policy.toml"));
  CHECK(checked->policy);
}

}  // namespace omrsync::app
