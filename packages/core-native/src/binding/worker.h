#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "binding/napi_include.h"
#include "engine/core/error.h"
#include "engine/session/session.h"
#include "engine/train/trainer.h"

namespace finetag {

/// What a session's thread owns: the model, and what trains it. Before training is configured, the trainer
/// holds nothing.
struct Engine {
  Engine(const SessionConfig& config, const std::atomic<bool>* stop)
      : session(config, stop), trainer(session) {}
  Session session;
  Trainer trainer;
};

/// One call from JavaScript: `work` runs on the session's thread and touches no JS; what it returns makes
/// the promise's value on the JS thread.
struct Job {
  using Finish = std::function<Napi::Value(Napi::Env)>;
  std::function<Finish(std::unique_ptr<Engine>&)> work;
  /// What can be done for it while the job before it waits for the device; or empty.
  std::function<void(Engine&)> ahead;
  Napi::Promise::Deferred promise;
  Finish finish;
  std::optional<ErrorInfo> error;
  enum class Kind { kOpen, kCall, kClose } kind = Kind::kCall;
};

class Worker;
/// The workers of one environment; JS thread only.
using WorkerSet = std::set<Worker*>;

/// A session's native thread, its queue, and the way back to JavaScript.
///
/// Lifetimes: the JS wrapper owns the worker. The thread is joined (a) after the closing job, (b) when the
/// wrapper is collected, which it is not while a job waits, (c) when the environment is torn down, and
/// (d) at the `exit` event of `process`, before libtorch's static objects go (see addon.cpp).
class Worker {
 public:
  /// `keep_alive(true)` must keep the wrapper from being collected until `keep_alive(false)`.
  Worker(Napi::Env env, std::shared_ptr<WorkerSet> workers, std::function<void(bool)> keep_alive);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// JS thread. Starts the session's thread; throws kNative where the system has none to give.
  void start();

  /// JS thread. Keeps the event loop alive until the promise is settled.
  Napi::Value submit(Napi::Env env, std::function<Job::Finish(std::unique_ptr<Engine>&)> work,
                     Job::Kind kind = Job::Kind::kCall, std::function<void(Engine&)> ahead = {});
  /// The session's thread, within a job: what can be done ahead for the next one, if that waits already.
  void work_ahead(Engine& engine);
  /// JS thread. Finishes the job under way, rejects those that wait, frees the session. Idempotent.
  Napi::Value close(Napi::Env env);

  /// Any thread. Tells the thread to break off the work under way and to end; does not wait for it.
  void interrupt();
  /// JS thread. Interrupts and waits; unsettled promises stay so.
  void stop();
  /// The environment goes: stops, and lets go of the channel while that is still there.
  void tear_down();

  const std::atomic<bool>* stop_flag() const { return &stopping_; }

 private:
  void run();
  void deliver(Job* job);
  void push(Napi::Env env, std::unique_ptr<Job> job);
  void settle(Napi::Env env, Job* job);
  void count_settled(Napi::Env env);
  void reject(Napi::Env env, Job& job, const ErrorInfo& error);
  static void on_js_thread(Napi::Env env, Napi::Function, Worker* worker, Job* job);

  using Channel = Napi::TypedThreadSafeFunction<Worker, Job, &Worker::on_js_thread>;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Job>> queue_;
  std::atomic<bool> stopping_{false};

  // JS thread only.
  Napi::Env env_;
  std::shared_ptr<WorkerSet> workers_;
  std::function<void(bool)> keep_alive_;
  bool closing_ = false;
  bool torn_down_ = false;
  size_t unsettled_ = 0;
  std::vector<Napi::Promise::Deferred> close_promises_;

  Channel channel_;
  std::thread thread_;
};

}  // namespace finetag
