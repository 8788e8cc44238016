#include "engine/core/core_gate.h"

#include <algorithm>
#include <thread>

namespace finetag {

CoreGate& CoreGate::instance() {
  // Leaked: session threads may still run while the process exits.
  static CoreGate* gate = new CoreGate();
  return *gate;
}

CoreGate::CoreGate()
    : free_(std::max(1, static_cast<int>(std::thread::hardware_concurrency()))), total_(free_) {}

void CoreGate::acquire(int threads) {
  std::unique_lock<std::mutex> lock(mutex_);
  const uint64_t ticket = next_ticket_++;
  changed_.wait(lock, [&] { return ticket == served_ && free_ >= threads; });
  ++served_;
  free_ -= threads;
  changed_.notify_all();
}

void CoreGate::release(int threads) {
  const std::lock_guard<std::mutex> lock(mutex_);
  free_ += threads;
  changed_.notify_all();
}

CoreGate::Permit::Permit(int threads) : threads_(std::min(threads, CoreGate::instance().total_)) {
  CoreGate::instance().acquire(threads_);
}

CoreGate::Permit::~Permit() { CoreGate::instance().release(threads_); }

}  // namespace finetag
