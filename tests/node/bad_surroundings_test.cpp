// A parent that is none, a disk that is full, a clock that is off: told by a code, and nothing is lost.
#include <algorithm>
#include <cstdlib>

#include "node/ship/parent_workers.h"
#include "tests/node/few_nodes.h"

using namespace omrsync;
using namespace omrsync::node;

namespace {

const RootKey kOld{"person", "old"}, kFromA{"person", "of-a"}, kFromB{"person", "of-b"};

void write(TestNode& at, const RootKey& root, const std::string& gender) {
  memory::Clinician nurse(at.openmrs, "user-1");
  REQUIRE(nurse.write_now(root, {{"gender", cells({{"gender", gender}})}}));
}

/// Three nodes at rest, with a patient that all of them know.
void begin(Country& country) {
  country.start();
  country.settle(20);
  write(country.a, kOld, "F");
  country.settle();
  require_equal(country);
}

LinkRecord link_of(TestNode& at, const std::string& link = kParentLink) {
  auto tx = at.disk.read();
  return link_record(**tx, link).value();
}

std::size_t told(const TestNode& at, const std::string& event, Code code) {
  const auto lines = at.log.lines();
  return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [&](const auto& line) {
    return line.event == event && line.text.find(to_string(code)) != std::string::npos;
  }));
}

}  // namespace

TEST_CASE("what is no answer of the parent is told by its code, and all goes on when the parent answers again") {
  using Answer = std::pair<Result<ports::Response>, Code>;
  const auto page = [](int status, const char* type, const char* body) {
    return ports::Response{status, type, body, std::chrono::seconds(0)};
  };
  const auto [answer, code] = GENERATE_COPY(
      values<Answer>({{page(200, "text/html", "<html>log in</html>"), Code::line_foreign_answer},
                      {page(500, "text/html", "<h1>Internal Server Error</h1>"), Code::line_foreign_answer},
                      {page(502, "", ""), Code::line_foreign_answer},
                      {page(500, kWireContentType, "\xff\xff"), Code::wire_malformed},
                      {page(200, kWireContentType, "\xff\xff"), Code::wire_malformed},
                      {Error{Remedy::retry_later, Code::line_cut, "nothing came"}, Code::line_cut},
                      {Error{Remedy::retry_later, Code::line_unreachable, "nobody there"}, Code::line_unreachable}}));
  Country country;
  begin(country);
  country.a.instead = [&answer = answer](const ports::Request&) { return std::optional(answer); };
  write(country.a, kFromA, "F");
  write(country.b, kFromB, "M");
  country.settle(100);
  CHECK(to_string(static_cast<Code>(link_of(country.a).error_code)) == to_string(code));
  CHECK_FALSE(link_of(country.a).error_message.empty());
  CHECK(told(country.a, "line.failed", code) >= 1);
  CHECK(told(country.a, "line.failed", code) <= 2);
  CHECK(country.p.openmrs.find(kFromA) == nullptr);
  CHECK(country.p.openmrs.find(kFromB) != nullptr);

  country.a.instead = nullptr;
  country.settle(600);
  CHECK(link_of(country.a).error_code == 0);
  CHECK(country.b.openmrs.find(kFromA) != nullptr);
  require_equal(country);
}

TEST_CASE("a store that cannot be written says so, loses nothing and goes on when it can") {
  const auto error = GENERATE(values<Error>({{Remedy::retry_later, Code::disk_full, "the store cannot grow"},
                                             {Remedy::stop_node, Code::disk_read_only, "it cannot be written"}}));
  const auto when = GENERATE(memory::StoreFault::When::before_effect, memory::StoreFault::When::after_effect);
  const bool at_parent = GENERATE(false, true);
  const std::uint64_t in = GENERATE(as<std::uint64_t>{}, 1, 2, 3, 5, 8, 13);
  CAPTURE(to_string(error.code), at_parent, in);
  Country country;
  begin(country);
  TestNode& full = at_parent ? country.p : country.a;
  full.store.plan({memory::StoreFault::Counting::commits, in, when, true, error});
  write(country.a, kFromA, "F");
  write(country.b, kFromB, "M");
  write(country.p, kOld, "M");
  country.settle(60);
  if (in == 1 && when == memory::StoreFault::When::before_effect) {
    CHECK(full.engine->shared().progress.with([](Progress& p) { return p.capture_error.code; }) == error.code);
    CHECK(told(full, "capture.failed", error.code) == 1);
    if (at_parent) CHECK(link_of(country.b).error_code == static_cast<std::uint32_t>(error.code));
    if (!at_parent) CHECK(country.p.openmrs.find(kFromB) != nullptr);
    if (!at_parent) CHECK(rows_of(country.b.openmrs, kOld).at("gender") == cells({{"gender", "M"}}));
  }

  full.store.heal();
  country.settle(600);
  CHECK(country.p.openmrs.rows()->size() == 3);
  require_equal(country);
  CHECK(rows_of(country.b.openmrs, kOld).at("gender") == cells({{"gender", "M"}}));
  for (TestNode* each : {&country.p, &country.a, &country.b}) {
    auto tx = each->disk.read();
    CHECK_FALSE(verify_audit(**tx)->first_bad);
    CHECK(*count_range(**tx, tables::kInbox, "", "") == 0);
  }
}

TEST_CASE("a clock two years off is told at both ends, and changes nothing of what becomes of the data") {
  constexpr milliseconds kTwoYears = std::chrono::hours(2 * 365 * 24);
  const auto history = [](milliseconds off) {
    Country country;
    country.a.clock.jump_utc(off);
    begin(country);
    write(country.a, kFromA, "F");
    write(country.b, kOld, "M");
    write(country.a, kOld, "U");
    country.settle();
    require_equal(country);
    const bool is_off = off.count() != 0;
    CHECK(told(country.a, "clock.off", Code::clock_off) == (is_off ? 1U : 0U));
    CHECK(told(country.b, "clock.off", Code::clock_off) == 0);
    const auto near = [](std::int64_t ms, milliseconds to) { return std::abs(ms - to.count()) < 60'000; };
    CHECK(near(link_of(country.a).clock_offset_ms, -off));
    CHECK(near(link_of(country.p, to_string(node_id(2))).clock_offset_ms, off));
    std::map<RootKey, std::map<GroupName, std::string>> seen;
    for (const RootKey& root : {kOld, kFromA}) seen[root] = rows_of(country.b.openmrs, root);
    return seen;
  };
  const auto right = history(milliseconds(0));
  CHECK_FALSE(right.at(kFromA).empty());
  CHECK(history(kTwoYears) == right);
  CHECK(history(-kTwoYears) == right);
}

TEST_CASE("a clock that is set while the node runs stops nothing") {
  const milliseconds jump =
      GENERATE(milliseconds(std::chrono::hours(2 * 365 * 24)), milliseconds(-std::chrono::hours(2 * 365 * 24)));
  Country country;
  begin(country);
  for (TestNode* each : {&country.a, &country.p}) {
    each->clock.jump_utc(jump);
    write(country.a, kFromA, each == &country.a ? "F" : "U");
    write(country.b, kFromB, each == &country.a ? "M" : "U");
    country.settle();
    require_equal(country);
  }
  CHECK(rows_of(country.b.openmrs, kFromA).at("gender") == cells({{"gender", "U"}}));
}

TEST_CASE("a node that greets its parent as it stands changes nothing there, however often it does") {
  Country country;
  begin(country);
  const LinkRecord before = link_of(country.b);
  REQUIRE(before.stored > 0);  // so that there is something which a greeting could leave out
  Identity identity;
  identity.node = node_id(3);
  identity.incarnation = {1, 3};
  for (int i = 0; i < 2; ++i) {
    const auto answer = country.p.engine->service().handle(
        {kHelloPath, encode(greeting(identity, before, country.b.clock.utc().count())), to_string(identity.node), ""},
        milliseconds(0));
    REQUIRE(answer.status == 200);
    CHECK(decode<HelloAnswer>(answer.body)->life == before.life);
    CHECK_FALSE(country.p.engine->shared().over.load());
  }
}
