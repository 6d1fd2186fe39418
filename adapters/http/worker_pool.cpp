#include "adapters/http/worker_pool.h"

#include <pthread.h>

#include <system_error>

namespace omrsync::http {

bool WorkerPool::submit(std::function<void()> job) {
  const std::scoped_lock lock(mutex_);
  const std::size_t takers = idle_ + (most_threads_ - threads_.size());
  if (stopping_ || waiting_.size() >= takers + most_waiting_) return false;
  if (idle_ <= waiting_.size() && threads_.size() < most_threads_ && !start_thread() && threads_.empty()) return false;
  waiting_.push_back(std::move(job));
  wake_.notify_one();
  return true;
}

/// The system may refuse a thread; the ones there are then do the work.
bool WorkerPool::start_thread() {
  try {
    threads_.emplace_back([this] { run(); });
    ++idle_;
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void WorkerPool::run() {
  pthread_setname_np(pthread_self(), "http-work");
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    std::function<void()> job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it holds is let go before the lock is taken
    lock.lock();
    ++idle_;
  }
}

void WorkerPool::stop() {
  std::vector<std::thread> threads;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace omrsync::http
