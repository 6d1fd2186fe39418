#include "node/supervisor.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

namespace omrsync::node {
namespace {

/// A long pause is waited for in slices, so that somebody in a hurry is heard.
constexpr std::chrono::milliseconds kSlice{250};

}  // namespace

void supervise(const std::vector<Worker*>& workers, std::stop_token stop, const std::atomic<bool>& over) {
  std::stop_source all_stop;
  const std::stop_callback forward(stop, [&] { all_stop.request_stop(); });
  std::mutex mutex;
  std::condition_variable_any wake;
  std::exception_ptr failure;

  const auto serve = [&](Worker& worker) {
    pthread_setname_np(pthread_self(), std::string(worker.name().substr(0, 15)).c_str());
    const std::stop_token token = all_stop.get_token();
    try {
      while (!token.stop_requested()) {
        const Pace pace = worker.step(token);
        if (over.load()) all_stop.request_stop();
        for (auto left = pace.pause; left.count() > 0 && !token.stop_requested() && !worker.wants_now();
             left -= kSlice) {
          if (pace.bell != nullptr) {
            if (pace.bell->wait(pace.seen, std::min(left, kSlice), token)) break;
            continue;
          }
          std::unique_lock lock(mutex);
          wake.wait_for(lock, token, std::min(left, kSlice), [] { return false; });
        }
      }
    } catch (...) {
      const std::scoped_lock lock(mutex);
      if (!failure) failure = std::current_exception();
      all_stop.request_stop();
    }
  };

  {
    std::vector<std::jthread> threads;
    try {
      for (Worker* worker : workers) threads.emplace_back(serve, std::ref(*worker));
    } catch (...) {  // no thread to be had: end those that did start
      all_stop.request_stop();
      throw;
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace omrsync::node
