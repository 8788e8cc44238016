#include "binding/worker.h"

#include <string>
#include <system_error>

#include "binding/marshal.h"
#include "engine/core/cancel.h"

namespace finetag {

namespace {

void on_environment_exit(void* worker) { static_cast<Worker*>(worker)->tear_down(); }

}  // namespace

Worker::Worker(Napi::Env env, std::shared_ptr<WorkerSet> workers, std::function<void(bool)> keep_alive)
    : env_(env), workers_(std::move(workers)), keep_alive_(std::move(keep_alive)) {
  channel_ = Channel::New(env, "finetag session", /*maxQueueSize=*/0, /*initialThreadCount=*/1, this);
  channel_.Unref(env);
  // Hooks run last in, first out: this one ends the thread while the channel still stands.
  napi_add_env_cleanup_hook(env, on_environment_exit, this);
  workers_->insert(this);
}

void Worker::start() {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    throw Error(ErrorCode::kNative, std::string("cannot start the session's thread: ") + error.what());
  }
}

Worker::~Worker() {
  stop();
  workers_->erase(this);
  if (torn_down_) return;
  napi_remove_env_cleanup_hook(env_, on_environment_exit, this);
  channel_.Release();
}

void Worker::tear_down() {
  stop();
  torn_down_ = true;
  channel_.Release();
}

Napi::Value Worker::submit(Napi::Env env, std::function<Job::Finish(std::unique_ptr<Engine>&)> work,
                           Job::Kind kind, std::function<void(Engine&)> ahead) {
  auto job = std::make_unique<Job>(
      Job{std::move(work), std::move(ahead), Napi::Promise::Deferred::New(env), {}, {}, kind});
  const Napi::Value promise = job->promise.Promise();
  if (closing_ || !thread_.joinable()) {
    reject(env, *job,
           {ErrorCode::kDisposed, closing_ ? "the session was disposed" : "the session is not open"});
    return promise;
  }
  push(env, std::move(job));
  return promise;
}

void Worker::push(Napi::Env env, std::unique_ptr<Job> job) {
  if (unsettled_++ == 0) {
    channel_.Ref(env);
    keep_alive_(true);
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void Worker::count_settled(Napi::Env env) {
  if (--unsettled_ > 0) return;
  channel_.Unref(env);
  keep_alive_(false);
}

Napi::Value Worker::close(Napi::Env env) {
  auto promise = Napi::Promise::Deferred::New(env);
  const Napi::Value result = promise.Promise();
  if (!thread_.joinable()) {  // closed already, or never opened
    closing_ = true;
    promise.Resolve(env.Undefined());
    return result;
  }
  close_promises_.push_back(promise);
  if (closing_) return result;
  closing_ = true;

  std::deque<std::unique_ptr<Job>> dropped;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    dropped.swap(queue_);
  }
  for (const auto& job : dropped) {
    count_settled(env);
    reject(env, *job, {ErrorCode::kDisposed, "the session was disposed before this call was its turn"});
  }
  const auto free_engine = [](std::unique_ptr<Engine>& engine) -> Job::Finish {
    engine.reset();
    return {};
  };
  push(env, std::make_unique<Job>(
                Job{free_engine, {}, Napi::Promise::Deferred::New(env), {}, {}, Job::Kind::kClose}));
  return result;
}

void Worker::interrupt() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
}

void Worker::stop() {
  interrupt();
  if (thread_.joinable()) thread_.join();
}

void Worker::run() {
  std::unique_ptr<Engine> engine;
  for (;;) {
    std::unique_ptr<Job> job;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    try {
      job->finish = job->work(engine);
    } catch (const Cancelled&) {
      return;
    } catch (...) {
      if (stopping_) return;
      job->error = describe_current_exception();
    }
    const bool last = job->kind == Job::Kind::kClose;
    deliver(job.release());
    if (last) return;
  }
}

void Worker::work_ahead(Engine& engine) {
  std::function<void(Engine&)> ahead;  // a copy, since close() may drop the job meanwhile
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!queue_.empty()) ahead = queue_.front()->ahead;
  }
  if (ahead) ahead(engine);
}

void Worker::deliver(Job* job) {
  // The queue is unbounded, so this never waits; it fails only while the environment is torn down.
  if (channel_.BlockingCall(job) != napi_ok) delete job;
}

void Worker::on_js_thread(Napi::Env env, Napi::Function, Worker* worker, Job* job) {
  if (static_cast<napi_env>(env) == nullptr) {
    delete job;
    return;
  }
  try {
    worker->settle(env, job);
  } catch (const Napi::Error&) {
    // The environment is being terminated and takes no more values: nobody waits for this promise.
  }
}

void Worker::settle(Napi::Env env, Job* raw) {
  const std::unique_ptr<Job> job(raw);
  const Napi::HandleScope scope(env);
  // Last of all, since it lets the wrapper be collected.
  struct Settled {
    Worker* worker;
    Napi::Env env;
    ~Settled() { worker->count_settled(env); }
  } const settled{this, env};
  if (job->kind == Job::Kind::kClose) {
    stop();
    for (const auto& promise : close_promises_) promise.Resolve(env.Undefined());
    close_promises_.clear();
    return;
  }
  if (job->error) {
    if (job->kind == Job::Kind::kOpen) stop();  // nothing was opened: no thread is left waiting
    reject(env, *job, *job->error);
    return;
  }
  try {
    job->promise.Resolve(job->finish(env));
  } catch (const Napi::Error& error) {
    job->promise.Reject(error.Value());
  } catch (...) {
    reject(env, *job, describe_current_exception());
  }
}

void Worker::reject(Napi::Env env, Job& job, const ErrorInfo& error) {
  job.promise.Reject(marshal::to_js(env, error).Value());
}

}  // namespace finetag
