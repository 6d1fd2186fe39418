#include <thread>

#include "tests/node/one_parent.h"

using namespace omrsync;
using std::chrono::milliseconds;

TEST_CASE("a child's changes are taken while its question for news waits") {
  node::OneParent parent;
  const LinkLife life = parent.introduce();
  parent.clock.advance(milliseconds(1000));
  const milliseconds asked = parent.clock.utc();
  ports::Response news;
  std::thread waiting([&] {
    news = parent.ask(kPullPath, encode(Pull{life, 0, 65536, 3'600'000, 0, {}}), std::chrono::hours(1));
  });
  while (!parent.was_asked_at(asked)) std::this_thread::yield();

  const ports::Response introduced =
      parent.ask(kHelloPath, encode(Hello{kWireVersion, life, "kitale", 0, {}, 0, 0, 0, {}}));
  CHECK(introduced.status == 200);

  parent.engine->service().stop();
  waiting.join();
  CHECK(news.status == 200);
}
