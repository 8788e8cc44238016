#pragma once

#include <memory>

#include "binding/napi_include.h"
#include "binding/worker.h"

namespace finetag {

/// The JavaScript side of a session: checks and copies arguments, hands work to the worker.
class SessionWrap : public Napi::ObjectWrap<SessionWrap> {
 public:
  /// The class's constructor; `workers` collects the workers of all its objects.
  static Napi::Function define(Napi::Env env, std::shared_ptr<WorkerSet>* workers);
  explicit SessionWrap(const Napi::CallbackInfo& info);
  ~SessionWrap() override;

  /// Opens the session; the promise resolves to `self`.
  Napi::Value open(Napi::Env env, const SessionConfig& config);

 private:
  Napi::Value parameters(const Napi::CallbackInfo& info);
  Napi::Value initialize(const Napi::CallbackInfo& info);
  Napi::Value read_tensor(const Napi::CallbackInfo& info);
  Napi::Value read_part(const Napi::CallbackInfo& info);
  Napi::Value write_tensor(const Napi::CallbackInfo& info);
  Napi::Value set_loss(const Napi::CallbackInfo& info);
  Napi::Value configure_training(const Napi::CallbackInfo& info);
  Napi::Value train_step(const Napi::CallbackInfo& info);
  Napi::Value backward(const Napi::CallbackInfo& info);
  Napi::Value forward(const Napi::CallbackInfo& info);
  Napi::Value get_step(const Napi::CallbackInfo& info);
  Napi::Value set_step(const Napi::CallbackInfo& info);
  Napi::Value native_bytes(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  /// What the JS thread may know without asking the session's thread.
  struct Snapshot {
    std::vector<NamedParameter> parameters;
    int64_t step = 0;
    int64_t bytes = 0;
  };
  void report_memory(Napi::Env env, int64_t bytes);

  Snapshot snapshot_;
  bool disposed_ = false;
  std::unique_ptr<Worker> worker_;
};

}  // namespace finetag
