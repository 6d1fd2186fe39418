#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace omrsync::http {

/// Threads that run jobs one after the other. A thread is started when a job finds no idle one, up to a limit, and
/// stays; so a quiet listener costs none. All methods may be called from any thread.
class WorkerPool {
 public:
  WorkerPool(std::size_t most_threads, std::size_t most_waiting)
      : most_threads_(most_threads), most_waiting_(most_waiting) {}
  ~WorkerPool() { stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Runs the job soon. False, and the job is not kept, when too many wait already or after `stop`.
  [[nodiscard]] bool submit(std::function<void()> job);

  /// Runs what waits, then ends and joins every thread. Takes as long as the longest job.
  void stop();

 private:
  void run();
  bool start_thread();

  const std::size_t most_threads_;
  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace omrsync::http
