#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "binding/napi_include.h"
#include "engine/core/batch.h"
#include "engine/core/config.h"
#include "engine/core/error.h"
#include "engine/device/device.h"
#include "engine/session/session.h"
#include "engine/train/trainer.h"

/// JavaScript values to the engine's structs and back. Everything here runs on a JS thread; what it returns
/// holds no JS memory, but for what says so. Wrong types throw Error(kArgument) with the field's name.
namespace finetag::marshal {

SessionConfig session_config(const Napi::Value& value);
/// `{ type, …parameters }`; which parameters a type has, the engine knows.
LossConfig loss_config(const Napi::Value& value);
TrainingConfig training_config(const Napi::Value& value);
HostBatch batch(const Napi::Value& value);
std::vector<HostBatch> batches(const Napi::Value& value);
std::vector<std::string> strings(const Napi::Value& value, const char* name);
std::string string(const Napi::Value& value, const char* name);
TensorKind tensor_kind(const Napi::Value& value);
/// A tensor over the Float32Array's own memory, which it keeps from being collected; to be dropped on the JS
/// thread.
at::Tensor float_tensor(const Napi::Value& value, const char* name);
int64_t integer(const Napi::Value& value, const char* name);

Napi::Value to_js(Napi::Env env, const StepResult& result);
Napi::Value to_js(Napi::Env env, const ForwardResult& result);
Napi::Value to_js(Napi::Env env, const std::vector<NamedParameter>& parameters);
Napi::Value to_js(Napi::Env env, const EngineInfo& info);
/// A Float32Array over the tensor's own memory, which lives until the array is collected.
Napi::Value to_js(Napi::Env env, const at::Tensor& tensor);
/// An Error with `code`.
Napi::Error to_js(Napi::Env env, const ErrorInfo& error);

/// Calls `call`, which returns a promise; whatever it throws becomes a rejected one. (Only a Napi::Error may
/// leave a method: any other exception would end the process.)
template <typename F>
Napi::Value or_reject(Napi::Env env, F&& call) {
  Napi::Value reason;
  try {
    return call();
  } catch (const Napi::Error& error) {
    reason = error.Value();
  } catch (...) {
    reason = to_js(env, describe_current_exception()).Value();
  }
  const auto promise = Napi::Promise::Deferred::New(env);
  promise.Reject(reason);
  return promise.Promise();
}

}  // namespace finetag::marshal
