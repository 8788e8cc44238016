#include "engine/core/core_gate.h"

#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <chrono>
#include <thread>

#include "engine/core/cancel.h"

namespace finetag {

int allowed_cores() {
#if defined(__linux__)
  // The C library counts the cores that are online; OpenMP, and so the threads of a session, the allowed
  // ones.
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

CoreGate& CoreGate::instance() {
  // Leaked: session threads may still run while the process exits.
  static CoreGate* gate = new CoreGate(allowed_cores());
  return *gate;
}

CoreGate::CoreGate(int cores) : free_(cores), total_(cores) {}

void CoreGate::limit(int cores) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const int taken_away = total_ - std::max(1, cores);
  if (taken_away <= 0) return;
  total_ -= taken_away;
  free_ -= taken_away;  // below 0 while permits of before are out
  changed_.notify_all();
}

int CoreGate::acquire(int threads) {
  // Whoever tears the session down knows nothing of this gate, so its flag is looked at now and then.
  constexpr std::chrono::milliseconds kLook{20};
  std::unique_lock<std::mutex> lock(mutex_);
  const auto place = waiting_.insert(waiting_.end(), threads);
  const std::atomic<bool>* stop = CancelScope::flag();
  bool stopped = false;
  while (!stopped && (place != waiting_.begin() || free_ < std::min(threads, total_))) {
    changed_.wait_for(lock, kLook);
    stopped = stop != nullptr && stop->load(std::memory_order_relaxed);
  }
  waiting_.erase(place);
  const int taken = std::min(threads, total_);
  if (!stopped) free_ -= taken;
  changed_.notify_all();
  if (stopped) throw Cancelled();
  return taken;
}

void CoreGate::release(int threads) {
  const std::lock_guard<std::mutex> lock(mutex_);
  free_ += threads;
  changed_.notify_all();
}

CoreGate::Permit::Permit(int threads, CoreGate& gate) : gate_(gate), threads_(gate.acquire(threads)) {}

CoreGate::Permit::~Permit() { gate_.release(threads_); }

}  // namespace finetag
