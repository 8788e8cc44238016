#include <memory>

#include "binding/marshal.h"
#include "binding/session_wrap.h"
#include "engine/device/device.h"

namespace finetag {

/// The addon of one environment. All state hangs on it, so that main thread and worker threads can each
/// load the addon at the same time.
class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports) {
    session_constructor_ = Napi::Persistent(SessionWrap::define(env, &workers_));
    stop_at_exit(env);
    DefineAddon(exports, {InstanceMethod("info", &Addon::info),
                          InstanceMethod("createSession", &Addon::create_session)});
  }

 private:
  /// process.exit() and an uncaught error in the main thread run no cleanup hooks of the environment: they
  /// emit `exit`, then call exit(), which destroys libtorch's static objects. No session's thread may be
  /// running by then. An atexit handler would come too late, since libtorch makes some of them on first use.
  void stop_at_exit(Napi::Env env) {
    const Napi::Object process = env.Global().Get("process").As<Napi::Object>();
    const auto stop_all = [workers = workers_](const Napi::CallbackInfo&) {
      for (Worker* worker : *workers) worker->interrupt();
      for (Worker* worker : *workers) worker->stop();
    };
    process.Get("once").As<Napi::Function>().Call(
        process, {Napi::String::New(env, "exit"), Napi::Function::New(env, stop_all, "stopFinetagSessions")});
  }

  Napi::Value info(const Napi::CallbackInfo& info) { return marshal::to_js(info.Env(), engine_info()); }

  Napi::Value create_session(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    return marshal::or_reject(env, [&] {
      const SessionConfig config = marshal::session_config(info[0]);
      const Napi::Object session = session_constructor_.New({});
      return SessionWrap::Unwrap(session)->open(env, config);
    });
  }

  std::shared_ptr<WorkerSet> workers_ = std::make_shared<WorkerSet>();
  Napi::FunctionReference session_constructor_;
};

}  // namespace finetag

using FinetagAddon = finetag::Addon;
NODE_API_ADDON(FinetagAddon)
