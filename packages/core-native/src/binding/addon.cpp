#include "binding/marshal.h"
#include "binding/session_wrap.h"
#include "engine/core/device.h"

namespace finetag {

/// The addon of one environment. All state hangs on it, so that main thread and worker threads can each
/// load the addon at the same time.
class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports) {
    session_constructor_ = Napi::Persistent(SessionWrap::define(env));
    DefineAddon(exports, {InstanceMethod("info", &Addon::info), InstanceMethod("createSession", &Addon::create_session)});
  }

 private:
  Napi::Value info(const Napi::CallbackInfo& info) { return marshal::to_js(info.Env(), engine_info()); }

  Napi::Value create_session(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    try {
      const SessionConfig config = marshal::session_config(info[0]);
      const Napi::Object session = session_constructor_.New({});
      return SessionWrap::Unwrap(session)->open(env, config);
    } catch (const Error&) {
      auto promise = Napi::Promise::Deferred::New(env);
      promise.Reject(marshal::to_js(env, describe_current_exception()).Value());
      return promise.Promise();
    }
  }

  Napi::FunctionReference session_constructor_;
};

}  // namespace finetag

using FinetagAddon = finetag::Addon;
NODE_API_ADDON(FinetagAddon)
