// A clinic's first load from the cursor to frozen batches on disk, the receiver not counted: a whole node over its real
// database and store, with a parent that answers at once. One JSON line a figure.
//   load_bench CONFIG BASELINE_SECONDS
// CONFIG is that of a child that was set up and never served; the baseline is `mariadb-dump | zstd -3` of its database.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "adapters/system/clock.h"
#include "adapters/system/log.h"
#include "node/app/config.h"
#include "node/app/memory.h"
#include "node/app/open.h"
#include "node/app/openmrs_parts.h"
#include "node/engine.h"
#include "node/store/facts.h"
#include "node/supervisor.h"
#include "protocol/messages.h"

using namespace omrsync;

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

struct Taken {
  std::uint64_t batches = 0, bytes = 0;
};

/// Stores nothing and says that it did.
class WillingParent final : public ports::ParentLink {
 public:
  WillingParent(Taken& taken, const Actor& child) : taken_(taken), life_{child, {Uuid{{1}}, {1, 1}}} {}

  Status send(ports::Request request) override {
    answer_.reset();
    if (request.path == kHelloPath) answer_ = encode(HelloAnswer{kWireVersion, life_, 0, {}, 0, 0, "centre"});
    if (request.path != kPushPath) return Done{};
    const Batch batch = must(decode<Push>(request.body)).batch;
    ++taken_.batches;
    taken_.bytes += batch.frame.size();
    answer_ = encode(Receipt{life_, batch.last, {}, false});
    return Done{};
  }

  Result<std::optional<ports::Response>> collect(std::chrono::milliseconds patience) override {
    if (!answer_) std::this_thread::sleep_for(patience);  // no news from above
    if (!answer_) return std::optional<ports::Response>{};
    return std::optional<ports::Response>({200, kWireContentType, *answer_, {}});
  }

 private:
  Taken& taken_;
  LinkLife life_;
  std::optional<std::string> answer_;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Of this program alone: what getrusage says includes the process that started it.
double peak_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (double kib = 0; word == "VmHWM:" && status >> kib) return kib;
  return 0;
}

void figure(const char* name, double value, const char* unit, double ratio = 0) {
  std::printf("{\"bench\":\"first_load\",\"figure\":\"%s\",\"value\":%.2f,\"unit\":\"%s\"", name, value, unit);
  if (ratio > 0) std::printf(",\"baseline\":\"mariadb-dump | zstd -3, same database\",\"ratio\":%.3f", ratio);
  std::printf(",\"setting\":\"receiver not counted\"}\n");
}

node::LinkRecord link_of(ports::Store& store) {
  const auto tx = must(store.read());
  return must(node::link_record(*tx, node::kParentLink));
}

void measure(const std::string& file, double baseline_seconds) {
  const app::Config config = must(app::load_valid_config(file));
  const auto store = must(app::open_store(config));
  node::Identity identity;
  {
    const auto tx = must(store->read());
    identity = must(node::identity(*tx)).value();
  }
  system::Clock clock;
  app::OpenmrsParts parts = must(app::open_openmrs(config, identity, *store, clock));
  system::Entropy entropy;
  system::Log log(ports::Level::warning);
  Taken taken;
  node::Engine engine({*store, *parts.database, *parts.codec, clock, entropy, log, identity, std::move(parts.changes),
                       std::make_unique<WillingParent>(taken, identity.actor()),
                       std::make_unique<WillingParent>(taken, identity.actor()), false});
  const auto began = std::chrono::steady_clock::now();
  std::jthread nodes([&](std::stop_token stop) { node::supervise(engine.workers(), stop, engine.shared().over); });
  node::LinkRecord link;
  do {
    const std::uint64_t rings = engine.shared().changed.rings();
    link = link_of(*store);
    if (!link.load.done) engine.shared().changed.wait(rings, std::chrono::milliseconds(100));
  } while (!link.load.done);
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const double cpu = cpu_seconds();
  nodes.request_stop();
  const auto rows = static_cast<double>(link.load.rows);
  figure("roots_per_second", rows / took, "roots/s", baseline_seconds / took);
  figure("roots_per_cpu_second", rows / cpu, "roots/s");
  figure("bytes_per_root", static_cast<double>(taken.bytes) / rows, "bytes");
  figure("batches", static_cast<double>(taken.batches), "batches");
  figure("rss", peak_kib() / 1024, "MB");
}

}  // namespace

int main(int argc, char** argv) {
  app::keep_memory_small();
  if (argc != 3) {
    std::fprintf(stderr, "load_bench CONFIG BASELINE_SECONDS\n");
    return 2;
  }
  try {
    measure(argv[1], std::strtod(argv[2], nullptr));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "load_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
