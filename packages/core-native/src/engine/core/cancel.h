#pragma once

#include <atomic>

namespace finetag {

/// Thrown out of a forward or backward pass when its session is torn down; never reaches a user.
struct Cancelled {};

/// Lets ops look at their session's stop flag without passing it through every call.
class CancelScope {
 public:
  explicit CancelScope(const std::atomic<bool>* flag) : previous_(current()) { current() = flag; }
  ~CancelScope() { current() = previous_; }
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;

  static void check() {
    const std::atomic<bool>* flag = current();
    if (flag != nullptr && flag->load(std::memory_order_relaxed)) throw Cancelled();
  }

 private:
  static const std::atomic<bool>*& current() {
    thread_local const std::atomic<bool>* flag = nullptr;
    return flag;
  }
  const std::atomic<bool>* previous_;
};

}  // namespace finetag
