#pragma once

#include <condition_variable>
#include <list>
#include <mutex>

namespace finetag {

/// How many cores the calling thread may run on, at least 1: all that are online, less where an affinity mask
/// (taskset, a container's cpuset, a batch system) leaves it some of them only.
int allowed_cores();

/// Shares the machine's cores between sessions: each takes as many permits as it runs threads for the time
/// of one batch, first come first served. Two sessions so alternate at full speed, each with the thread
/// count (and so the bits) it has alone, instead of doubling the threads. Waiting ends with Cancelled when
/// the session is torn down.
class CoreGate {
 public:
  static CoreGate& instance();

  explicit CoreGate(int cores);

  /// Lowers the number of cores that all sessions share to `cores`, as where a container's CPU quota allows
  /// less than its affinity mask. A higher number than before changes nothing. At least 1.
  void limit(int cores);

  class Permit {
   public:
    explicit Permit(int threads, CoreGate& gate = CoreGate::instance());
    ~Permit();
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;

   private:
    CoreGate& gate_;
    int threads_;
  };

 private:
  /// Returns how many were taken: all cores, where `threads` are more than that.
  int acquire(int threads);
  void release(int threads);

  std::mutex mutex_;
  std::condition_variable changed_;
  int free_;
  int total_;
  std::list<int> waiting_;  // permits asked for, in the order of arrival
  friend class Permit;
};

}  // namespace finetag
