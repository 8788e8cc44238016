#include "binding/session_wrap.h"

#include "binding/marshal.h"

namespace finetag {

namespace {

using marshal::or_reject;

Napi::Value undefined(Napi::Env env) { return env.Undefined(); }

}  // namespace

Napi::Function SessionWrap::define(Napi::Env env, std::shared_ptr<WorkerSet>* workers) {
  return DefineClass(
      env, "NativeSession",
      {InstanceMethod<&SessionWrap::parameters>("parameters"),
       InstanceMethod<&SessionWrap::initialize>("initialize"),
       InstanceMethod<&SessionWrap::read_tensor>("readTensor"),
       InstanceMethod<&SessionWrap::read_part>("readPart"),
       InstanceMethod<&SessionWrap::write_tensor>("writeTensor"),
       InstanceMethod<&SessionWrap::set_loss>("setLoss"),
       InstanceMethod<&SessionWrap::configure_training>("configureTraining"),
       InstanceMethod<&SessionWrap::train_step>("trainStep"),
       InstanceMethod<&SessionWrap::backward>("backward"), InstanceMethod<&SessionWrap::forward>("forward"),
       InstanceMethod<&SessionWrap::get_step>("getStep"), InstanceMethod<&SessionWrap::set_step>("setStep"),
       InstanceMethod<&SessionWrap::native_bytes>("nativeBytes"),
       InstanceMethod<&SessionWrap::dispose>("dispose")},
      workers);
}

SessionWrap::SessionWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SessionWrap>(info) {
  // A waiting job keeps this object from being collected, so jobs may hold `this`.
  auto& workers = *static_cast<std::shared_ptr<WorkerSet>*>(info.Data());
  worker_ = std::make_unique<Worker>(info.Env(), workers,
                                     [this](bool keep) { keep ? void(Ref()) : void(Unref()); });
}

SessionWrap::~SessionWrap() {
  // Collected without dispose().
  if (snapshot_.bytes != 0) Napi::MemoryManagement::AdjustExternalMemory(Env(), -snapshot_.bytes);
}

Napi::Value SessionWrap::open(Napi::Env env, const SessionConfig& config) {
  const std::atomic<bool>* stop = worker_->stop_flag();
  worker_->start();
  return worker_->submit(
      env,
      [this, config, stop](std::unique_ptr<Engine>& engine) -> Job::Finish {
        engine = std::make_unique<Engine>(config, stop);
        return [this, parameters = engine->session.parameters(),
                bytes = engine->session.bytes()](Napi::Env e) -> Napi::Value {
          snapshot_.parameters = parameters;
          report_memory(e, bytes);
          return Value();
        };
      },
      Job::Kind::kOpen);
}

void SessionWrap::report_memory(Napi::Env env, int64_t bytes) {
  if (disposed_) bytes = 0;  // from a call that was under way
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes - snapshot_.bytes);
  snapshot_.bytes = bytes;
}

Napi::Value SessionWrap::parameters(const Napi::CallbackInfo& info) {
  return marshal::to_js(info.Env(), snapshot_.parameters);
}

Napi::Value SessionWrap::initialize(const Napi::CallbackInfo& info) {
  return or_reject(info.Env(), [&] {
    return worker_->submit(info.Env(),
                           [names = marshal::strings(info[0], "names")](auto& engine) -> Job::Finish {
                             engine->session.initialize(names);
                             return undefined;
                           });
  });
}

Napi::Value SessionWrap::read_tensor(const Napi::CallbackInfo& info) {
  return or_reject(info.Env(), [&] {
    const TensorKind kind = marshal::tensor_kind(info[0]);
    return worker_->submit(info.Env(),
                           [kind, name = marshal::string(info[1], "name")](auto& engine) -> Job::Finish {
                             return [tensor = engine->session.read(kind, name)](Napi::Env env) {
                               return marshal::to_js(env, tensor);
                             };
                           });
  });
}

Napi::Value SessionWrap::read_part(const Napi::CallbackInfo& info) {
  return or_reject(info.Env(), [&] {
    const TensorKind kind = marshal::tensor_kind(info[0]);
    return worker_->submit(
        info.Env(),
        [kind, name = marshal::string(info[1], "name"), begin = marshal::integer(info[2], "begin"),
         target = marshal::float_tensor(info[3], "target")](auto& engine) -> Job::Finish {
          const bool finite = engine->session.read_part(kind, name, begin, target);
          return [finite](Napi::Env env) { return Napi::Boolean::New(env, finite); };
        });
  });
}

Napi::Value SessionWrap::write_tensor(const Napi::CallbackInfo& info) {
  return or_reject(info.Env(), [&] {
    const TensorKind kind = marshal::tensor_kind(info[0]);
    std::optional<int64_t> begin;
    if (!info[3].IsUndefined()) begin = marshal::integer(info[3], "begin");
    const bool transposed = info[4].ToBoolean();
    return worker_->submit(info.Env(),
                           [kind, begin, transposed, name = marshal::string(info[1], "name"),
                            data = marshal::float_tensor(info[2], "data")](auto& engine) -> Job::Finish {
                             const bool finite = engine->session.write(kind, name, data, begin, transposed);
                             return [finite](Napi::Env env) { return Napi::Boolean::New(env, finite); };
                           });
  });
}

Napi::Value SessionWrap::set_loss(const Napi::CallbackInfo& info) {
  return or_reject(info.Env(), [&] {
    return worker_->submit(info.Env(), [loss = marshal::loss_config(info[0])](auto& engine) -> Job::Finish {
      engine->session.set_loss(loss);
      return undefined;
    });
  });
}

Napi::Value SessionWrap::configure_training(const Napi::CallbackInfo& info) {
  return or_reject(info.Env(), [&] {
    return worker_->submit(info.Env(),
                           [this, config = marshal::training_config(info[0])](auto& engine) -> Job::Finish {
                             engine->trainer.configure(config);
                             return [this, bytes = engine->session.bytes()](Napi::Env env) {
                               snapshot_.step = 0;
                               report_memory(env, bytes);
                               return env.Undefined();
                             };
                           });
  });
}

Napi::Value SessionWrap::train_step(const Napi::CallbackInfo& info) {
  return or_reject(info.Env(), [&] {
    const auto batches = std::make_shared<const std::vector<HostBatch>>(marshal::batches(info[0]));
    return worker_->submit(
        info.Env(),
        [this, batches](auto& engine) -> Job::Finish {
          const auto result = engine->trainer.train_step(batches, [&] { worker_->work_ahead(*engine); });
          return [this, result](Napi::Env env) {
            snapshot_.step = result.step;
            return marshal::to_js(env, result);
          };
        },
        Job::Kind::kCall, [batches](Engine& engine) { engine.trainer.place_ahead(batches); });
  });
}

Napi::Value SessionWrap::backward(const Napi::CallbackInfo& info) {
  return or_reject(info.Env(), [&] {
    return worker_->submit(info.Env(), [batch = marshal::batch(info[0])](auto& engine) -> Job::Finish {
      return [loss = engine->trainer.backward(batch)](Napi::Env env) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out.Set("loss", loss);
        return out;
      };
    });
  });
}

Napi::Value SessionWrap::forward(const Napi::CallbackInfo& info) {
  return or_reject(info.Env(), [&] {
    return worker_->submit(info.Env(), [this, batch = marshal::batch(info[0])](auto& engine) -> Job::Finish {
      return [this, result = engine->session.forward(batch), bytes = engine->session.bytes()](Napi::Env env) {
        report_memory(env, bytes);  // less, where weights have become int8
        return marshal::to_js(env, result);
      };
    });
  });
}

Napi::Value SessionWrap::get_step(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(snapshot_.step));
}

Napi::Value SessionWrap::set_step(const Napi::CallbackInfo& info) {
  return or_reject(info.Env(), [&] {
    const int64_t step = marshal::integer(info[0], "step");
    return worker_->submit(info.Env(), [this, step](auto& engine) -> Job::Finish {
      engine->trainer.set_step(step);
      return [this, step](Napi::Env env) {
        snapshot_.step = step;
        return env.Undefined();
      };
    });
  });
}

Napi::Value SessionWrap::native_bytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(snapshot_.bytes));
}

Napi::Value SessionWrap::dispose(const Napi::CallbackInfo& info) {
  disposed_ = true;
  report_memory(info.Env(), 0);
  return worker_->close(info.Env());
}

}  // namespace finetag
