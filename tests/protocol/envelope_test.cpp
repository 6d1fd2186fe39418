#include "protocol/envelope.h"

#include <random>

#include "protocol/cells.h"
#include "protocol/digest.h"
#include "protocol/messages.h"
#include "tests/support/catch.h"

using namespace omrsync;

namespace {

Actor actor(std::uint8_t number) {
  Actor a;
  a.node.bytes[0] = number;
  a.incarnation = {number, 0xFFFFFFFFFFFFFFFFULL - number};
  return a;
}

Envelope sample() {
  Envelope e;
  e.number = 7;
  e.set = {actor(1), 42};
  e.stamp.at_ms = 1'700'000'000'123;
  e.author = "user";
  Entry fresh{{"obs", "uuid-1"}, R"({"resourceType":"Basic"})", false, {}, {}, {}};
  fresh.base = WireSibling{e.set, e.author, e.stamp, {}, {}};
  fresh.context.add(e.set);
  Entry rich{{"person", "uuid-2"}, "{}", true, {}, {}, {}};
  rich.context.add(Dot{actor(2), 9});
  rich.context.add(Dot{{}, 0xDEADBEEFDEADBEEFULL});
  WireGroup group{"gender", {}, 1};
  group.siblings.push_back({{{}, 5}, "", {}, WireSibling::Place::fragment, "fragment\0with nul"});
  group.siblings.push_back({{actor(2), 9}, "v", {1, 2, true}, WireSibling::Place::body, ""});
  rich.groups.push_back(group);
  e.entries = {fresh, rich};
  return e;
}

}  // namespace

TEST_CASE("an envelope comes back as it was sent") {
  const Envelope sent = sample();
  const auto got = decode_envelope(encode_envelope(sent));
  REQUIRE(got);
  REQUIRE(got->set == sent.set);
  REQUIRE(got->entries.size() == 2);
  REQUIRE(got->entries[0].base->dot == sent.set);
  REQUIRE(got->entries[0].base->stamp == sent.entries[0].base->stamp);
  REQUIRE(got->entries[0].context == sent.entries[0].context);
  REQUIRE(got->entries[1].context == sent.entries[1].context);
  REQUIRE(got->entries[1].groups[0].siblings[0].fragment == sent.entries[1].groups[0].siblings[0].fragment);
  REQUIRE(got->entries[1].groups[0].siblings[1].dot == sent.entries[1].groups[0].siblings[1].dot);
  REQUIRE(got->entries[1].groups[0].shown == 1);
  REQUIRE(encode_envelope(*got) == encode_envelope(sent));
}

TEST_CASE("no cut or changed envelope is read beyond its bytes") {
  const std::string good = encode_envelope(sample());
  for (std::size_t length = 0; length < good.size(); ++length) (void)decode_envelope(good.substr(0, length));
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    std::string bad = good;
    bad[random() % bad.size()] = static_cast<char>(random());
    (void)decode_envelope(bad);
  }
  REQUIRE_FALSE(decode_envelope("\x0f\xff\xff"));
}

TEST_CASE("a frame hands out its envelopes, and is refused when torn, too large or followed by more") {
  FrameWriter writer;
  const std::vector<std::string> sent{std::string(300'000, 'a'), "", "second"};
  for (const auto& each : sent) writer.add(each);
  const std::string frame = writer.finish();
  const auto read = [&](std::string_view bytes, std::size_t limit, std::vector<std::string>* got) {
    return read_frame(bytes, limit, [&](std::string_view envelope) -> Status {
      if (got != nullptr) got->emplace_back(envelope);
      return Done{};
    });
  };
  std::vector<std::string> got;
  REQUIRE(read(frame, 1 << 20, &got));
  REQUIRE(got == sent);
  REQUIRE(read(frame, 1000, nullptr).error().code == Code::limit_exceeded);
  REQUIRE(read(frame + "x", 1 << 20, nullptr).error().code == Code::wire_malformed);
  REQUIRE_FALSE(read("not zstd", 1 << 20, nullptr));
  for (std::size_t length = 0; length < frame.size(); ++length)
    REQUIRE_FALSE(read(frame.substr(0, length), 1 << 20, nullptr));
}

TEST_CASE("a frame is the same envelopes whether it was packed at once or as it grew") {
  for (const std::size_t count : {0U, 1U, 40U, 400U}) {
    std::mt19937 random(static_cast<unsigned>(count));
    std::vector<std::string> sent;
    FrameWriter writer;
    for (std::size_t i = 0; i < count; ++i) {
      sent.emplace_back(random() % 40'000, static_cast<char>(random()));
      writer.add(sent.back());
    }
    std::vector<std::string> got;
    REQUIRE(read_frame(writer.finish(), 64 << 20, [&](std::string_view envelope) -> Status {
      got.emplace_back(envelope);
      return Done{};
    }));
    REQUIRE(got == sent);
  }
}

TEST_CASE("a small frame is packed with the built-in dictionary; one with another is refused by its number") {
  FrameWriter writer;
  writer.add(
      R"({"resourceType":"Observation","id":"1","status":"final","code":{"coding":[{"code":"2"}]},"subject":{"reference":"Patient/3"}})");
  std::string frame = writer.finish();
  const auto none = [](std::string_view) -> Status { return Done{}; };
  CHECK(frame.size() < 70);
  REQUIRE(read_frame(frame, 1 << 20, none));
  constexpr std::size_t kDictionaryNumber = 5;  // RFC 8878, 3.1.1.1: behind the magic number and the descriptor
  REQUIRE(frame[kDictionaryNumber] == 1);
  frame[kDictionaryNumber] = 9;
  const Status refused = read_frame(frame, 1 << 20, none);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::wire_version_unknown);
  CHECK(refused.error().message.find("dictionary 9") != std::string::npos);
}

TEST_CASE("messages come back as they were sent") {
  const LinkLife life{actor(1), actor(2)};
  PullAnswer answer;
  answer.batch = Batch{life, 3, 9, "before", "digest", std::string("frame\0", 6)};
  answer.receipt = Receipt{life, 12, {{4, 11, Outcome::State::held, 2201, "waits", {"id"}, {"Encounter/x"}}}, true};
  answer.more = true;
  const auto got = decode<PullAnswer>(encode(answer));
  REQUIRE(got);
  REQUIRE(got->batch->frame == answer.batch->frame);
  REQUIRE(got->batch->life == life);
  REQUIRE(got->receipt.outcomes.at(0).state == Outcome::State::held);
  REQUIRE(got->receipt.outcomes.at(0).waits_for == answer.receipt.outcomes.at(0).waits_for);
  REQUIRE(got->more);
  REQUIRE_FALSE(decode<Hello>("\xff\xff\xff"));
}

TEST_CASE("a clock that tells nonsense is off, by no more than clocks can be") {
  constexpr std::int64_t now = 1'700'000'000'000;
  CHECK(clock_offset(now + 5, now) == 5);
  CHECK(clock_offset(0, now) == -now);
  CHECK(clock_offset(INT64_MIN, now) == -now);
  CHECK(clock_offset(INT64_MAX, now) == 253'402'300'799'999 - now);
}

TEST_CASE("SipHash-2-4 gives the values of its authors' test vectors") {
  std::array<std::uint8_t, 16> key{};
  for (std::uint8_t i = 0; i < 16; ++i) key[i] = i;
  const KeyedHash hash(key);
  std::string text;
  REQUIRE(hash(text) == 0x726fdb47dd0e0e31ULL);
  for (char i = 0; i < 15; ++i) text.push_back(i);
  REQUIRE(hash(text) == 0xa129ca6149be45e5ULL);
}

TEST_CASE("cells are in one order and can be found again") {
  const std::string value = encode_cells({{"b", "2"}, {"a", ""}, {"c", std::string_view("x\0y", 3)}});
  REQUIRE(value == encode_cells({{"c", std::string_view("x\0y", 3)}, {"a", ""}, {"b", "2"}}));
  REQUIRE(find_cell(value, "a") == "");
  REQUIRE(find_cell(value, "c") == std::string_view("x\0y", 3));
  REQUIRE_FALSE(find_cell(value, "d"));
  REQUIRE_FALSE(for_each_cell(value.substr(0, value.size() - 1), [](NamedCell) {}));
}
