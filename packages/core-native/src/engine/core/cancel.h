#pragma once

#include <atomic>
#include <exception>

namespace finetag {

/// Thrown out of a forward or backward pass when its session is torn down; never reaches a user.
/// A std::exception, since libtorch's backward engine hands on no others (and ends the process on a device's
/// thread).
struct Cancelled : std::exception {
  const char* what() const noexcept override { return "cancelled"; }
};

/// Lets ops look at their session's stop flag without passing it through every call.
class CancelScope {
 public:
  explicit CancelScope(const std::atomic<bool>* flag) : previous_(current()) { current() = flag; }
  ~CancelScope() { current() = previous_; }
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;

  static void check() { check(current()); }
  static void check(const std::atomic<bool>* flag) {
    if (flag != nullptr && flag->load(std::memory_order_relaxed)) throw Cancelled();
  }
  /// The flag of this thread's scope, or null: for work that goes on in another thread.
  static const std::atomic<bool>* flag() { return current(); }

 private:
  static const std::atomic<bool>*& current() {
    thread_local const std::atomic<bool>* flag = nullptr;
    return flag;
  }
  const std::atomic<bool>* previous_;
};

}  // namespace finetag
