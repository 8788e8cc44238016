#include "binding/marshal.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <thread>

namespace finetag::marshal {

namespace {

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::kArgument, what); }

Napi::Object object(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) fail(std::string(name) + " must be an object");
  return value.As<Napi::Object>();
}

double number(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) fail(std::string(name) + " must be a number");
  const double result = value.As<Napi::Number>().DoubleValue();
  if (!std::isfinite(result)) fail(std::string(name) + " must be finite");
  return result;
}

double number(const Napi::Object& from, const char* name) { return number(from.Get(name), name); }

int64_t integer(const Napi::Object& from, const char* name) { return marshal::integer(from.Get(name), name); }
int64_t integer_or(const Napi::Object& from, const char* name, int64_t otherwise) {
  return from.Get(name).IsUndefined() ? otherwise : integer(from, name);
}
std::string string(const Napi::Object& from, const char* name) {
  return marshal::string(from.Get(name), name);
}

template <typename E>
E choice(const Napi::Value& value, const char* name, const std::map<std::string, E>& choices) {
  const std::string given = marshal::string(value, name);
  const auto found = choices.find(given);
  if (found == choices.end()) fail(std::string("unknown ") + name + " \"" + given + "\"");
  return found->second;
}

std::map<std::string, Family> families() {
  std::map<std::string, Family> by_name;
  for (const FamilyTraits& traits : kFamilyTraits) by_name.emplace(traits.name, traits.family);
  return by_name;
}

ModelConfig model_config(const Napi::Value& value) {
  const Napi::Object from = object(value, "config");
  ModelConfig config;
  config.family = choice<Family>(from.Get("family"), "family", families());
  config.vocab_size = integer(from, "vocabSize");
  config.hidden_size = integer(from, "hiddenSize");
  config.num_hidden_layers = integer(from, "numHiddenLayers");
  config.num_attention_heads = integer(from, "numAttentionHeads");
  config.intermediate_size = integer(from, "intermediateSize");
  config.hidden_act = choice<Activation>(from.Get("hiddenAct"), "hiddenAct",
                                         {{"gelu", Activation::kGelu},
                                          {"gelu_new", Activation::kGeluTanh},
                                          {"relu", Activation::kRelu},
                                          {"silu", Activation::kSilu}});
  config.max_position_embeddings = integer(from, "maxPositionEmbeddings");
  config.type_vocab_size = integer(from, "typeVocabSize");
  config.task_type_vocab_size = integer_or(from, "taskTypeVocabSize", config.task_type_vocab_size);
  config.embedding_size = integer_or(from, "embeddingSize", config.embedding_size);
  config.num_hidden_groups = integer_or(from, "numHiddenGroups", config.num_hidden_groups);
  config.inner_group_num = integer_or(from, "innerGroupNum", config.inner_group_num);
  config.layer_norm_eps = number(from, "layerNormEps");
  config.pad_token_id = integer(from, "padTokenId");
  config.hidden_dropout_prob = number(from, "hiddenDropoutProb");
  config.attention_probs_dropout_prob = number(from, "attentionProbsDropoutProb");
  config.classifier_dropout = number(from, "classifierDropout");
  config.initializer_range = number(from, "initializerRange");
  config.num_labels = integer(from, "numLabels");
  return config;
}

/// A number, or a Float32Array or an array of numbers: one for each label.
LossParameter loss_parameter(const Napi::Value& value, const char* name) {
  if (value.IsNumber()) return number(value, name);
  std::vector<float> per_label;
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array) {
    const auto array = value.As<Napi::Float32Array>();
    per_label.assign(array.Data(), array.Data() + array.ElementLength());
  } else if (value.IsArray()) {
    const auto array = value.As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); ++i)
      per_label.push_back(static_cast<float>(number(array.Get(i), name)));
  } else {
    fail(std::string(name) + " must be a number, or an array of numbers: one for each label");
  }
  for (const float each : per_label)
    if (!std::isfinite(each)) fail(std::string(name) + " must be finite");
  return per_label;
}

template <typename Array, typename T>
std::vector<T> copy_array(const Napi::Object& from, const char* name, napi_typedarray_type type,
                          bool required) {
  const Napi::Value value = from.Get(name);
  if (value.IsUndefined() && !required) return {};
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    fail(std::string(name) + " must be " + (type == napi_int32_array ? "an Int32Array" : "a Float32Array"));
  }
  const Array array = value.As<Array>();
  return std::vector<T>(array.Data(), array.Data() + array.ElementLength());
}

}  // namespace

int64_t integer(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) fail(std::string(name) + " must be a number");
  const double result = value.As<Napi::Number>().DoubleValue();
  if (!(std::abs(result) <= 9007199254740991.0) || result != std::floor(result)) {
    fail(std::string(name) + " must be a whole number");
  }
  return static_cast<int64_t>(result);
}

std::string string(const Napi::Value& value, const char* name) {
  if (!value.IsString()) fail(std::string(name) + " must be a string");
  return value.As<Napi::String>().Utf8Value();
}

std::vector<std::string> strings(const Napi::Value& value, const char* name) {
  if (!value.IsArray()) fail(std::string(name) + " must be an array of strings");
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<std::string> result;
  for (uint32_t i = 0; i < array.Length(); ++i) result.push_back(string(array.Get(i), name));
  return result;
}

LossConfig loss_config(const Napi::Value& value) {
  const Napi::Object from = object(value, "loss");
  const std::string type = marshal::string(from.Get("type"), "loss.type");
  LossParameters parameters;
  const Napi::Array names = from.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = marshal::string(names.Get(i), "a parameter of loss");
    const Napi::Value given = from.Get(name);
    if (name == "type" || given.IsUndefined()) continue;
    parameters[name] = loss_parameter(given, ("loss." + name).c_str());
  }
  return parse_loss(type, std::move(parameters));
}

SessionConfig session_config(const Napi::Value& value) {
  const Napi::Object from = object(value, "options");
  SessionConfig config;
  config.model = model_config(from.Get("config"));
  config.device = string(from, "device");
  const int64_t threads = integer(from, "threads");
  if (threads < 1 || threads > 4096) fail("threads must be between 1 and 4096");
  config.threads = static_cast<int>(threads);
  if (!from.Get("cores").IsUndefined()) {
    const int64_t cores = integer(from, "cores");
    if (cores < 1) fail("cores must be at least 1");
    config.cores = static_cast<int>(std::min<int64_t>(cores, 4096));
  }
  const int64_t seed = integer(from, "seed");
  if (seed < 0 || seed > 0xFFFFFFFFll) fail("seed must be an unsigned 32-bit integer");
  config.seed = static_cast<uint32_t>(seed);
  config.precision = choice<Precision>(
      from.Get("precision"), "precision",
      {{"float32", Precision::kFloat32}, {"bf16", Precision::kBfloat16}, {"int8", Precision::kInt8}});
  const Napi::Value loss = from.Get("loss");
  if (!loss.IsUndefined()) config.loss = loss_config(loss);
  return config;
}

TrainingConfig training_config(const Napi::Value& value) {
  const Napi::Object from = object(value, "options");
  TrainingConfig config;
  config.learning_rate = number(from, "learningRate");
  config.beta1 = number(from, "beta1");
  config.beta2 = number(from, "beta2");
  config.epsilon = number(from, "epsilon");
  config.weight_decay = number(from, "weightDecay");
  config.max_grad_norm = number(from, "maxGradNorm");
  config.schedule = choice<Schedule>(
      from.Get("schedule"), "schedule",
      {{"linear", Schedule::kLinear}, {"cosine", Schedule::kCosine}, {"constant", Schedule::kConstant}});
  config.warmup_steps = integer(from, "warmupSteps");
  config.total_steps = integer(from, "totalSteps");
  return config;
}

HostBatch batch(const Napi::Value& value) {
  const Napi::Object from = object(value, "batch");
  HostBatch result;
  result.ids_T = copy_array<Napi::Int32Array, int32_t>(from, "ids", napi_int32_array, true);
  result.token_types_T = copy_array<Napi::Int32Array, int32_t>(from, "tokenTypes", napi_int32_array, true);
  result.cu_seqlens = copy_array<Napi::Int32Array, int32_t>(from, "cuSeqlens", napi_int32_array, true);
  result.labels_BL = copy_array<Napi::Float32Array, float>(from, "labels", napi_float32_array, false);
  result.label_mask_BL = copy_array<Napi::Float32Array, float>(from, "labelMask", napi_float32_array, false);
  return result;
}

std::vector<HostBatch> batches(const Napi::Value& value) {
  if (!value.IsArray()) fail("microBatches must be an array");
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<HostBatch> result;
  for (uint32_t i = 0; i < array.Length(); ++i) result.push_back(batch(array.Get(i)));
  return result;
}

TensorKind tensor_kind(const Napi::Value& value) {
  return choice<TensorKind>(value, "kind",
                            {{"weight", TensorKind::kWeight},
                             {"grad", TensorKind::kGrad},
                             {"exp_avg", TensorKind::kExpAvg},
                             {"exp_avg_sq", TensorKind::kExpAvgSq}});
}

at::Tensor float_tensor(const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
    fail(std::string(name) + " must be a Float32Array");
  }
  Napi::Float32Array array = value.As<Napi::Float32Array>();
  // It would take its memory back when it shrinks, while the session's thread is at work on it (ADR 10).
  if (array.ArrayBuffer().Get("resizable").ToBoolean())
    fail(std::string(name) + " must not use a resizable ArrayBuffer");
  const auto owner = std::this_thread::get_id();
  auto* kept = new Napi::ObjectReference(Napi::Persistent(array.As<Napi::Object>()));
  const auto release = [kept, owner](void*) {
    // Elsewhere than on its thread only when that one is ending, and its references with it.
    if (std::this_thread::get_id() != owner) kept->SuppressDestruct();
    delete kept;
  };
  return at::from_blob(array.Data(), {static_cast<int64_t>(array.ElementLength())}, release, at::kFloat);
}

Napi::Value to_js(Napi::Env env, const StepResult& result) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("loss", result.loss);
  out.Set("gradNorm", result.grad_norm);
  out.Set("learningRate", result.learning_rate);
  out.Set("step", static_cast<double>(result.step));
  return out;
}

Napi::Value to_js(Napi::Env env, const at::Tensor& tensor) {
  auto* owner = new at::Tensor(tensor);
  const auto count = static_cast<size_t>(tensor.numel());
  const Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(
      env, owner->mutable_data_ptr<float>(), count * sizeof(float),
      [](Napi::Env, void*, at::Tensor* kept) { delete kept; }, owner);
  return Napi::Float32Array::New(env, count, buffer, 0);
}

Napi::Value to_js(Napi::Env env, const ForwardResult& result) {
  Napi::Object out = Napi::Object::New(env);
  // On the meta device there are no numbers to hand over.
  out.Set("logits",
          result.logits_BL.is_meta() ? Napi::Float32Array::New(env, 0) : to_js(env, result.logits_BL));
  if (result.loss) {
    out.Set("lossSum", result.loss->sum);
    out.Set("lossCount", result.loss->count);
  }
  return out;
}

Napi::Value to_js(Napi::Env env, const std::vector<NamedParameter>& parameters) {
  Napi::Array out = Napi::Array::New(env, parameters.size());
  for (uint32_t i = 0; i < parameters.size(); ++i) {
    const NamedParameter& parameter = parameters[i];
    Napi::Object entry = Napi::Object::New(env);
    Napi::Array shape = Napi::Array::New(env, parameter.shape.size());
    for (uint32_t axis = 0; axis < parameter.shape.size(); ++axis) {
      shape.Set(axis, static_cast<double>(parameter.shape[axis]));
    }
    entry.Set("name", parameter.name);
    entry.Set("shape", shape);
    entry.Set("decays", parameter.decays());
    out.Set(i, entry);
  }
  return out;
}

namespace {

Napi::Array to_js(Napi::Env env, const std::vector<std::string>& strings) {
  Napi::Array out = Napi::Array::New(env, strings.size());
  for (uint32_t i = 0; i < strings.size(); ++i) out.Set(i, strings[i]);
  return out;
}

}  // namespace

Napi::Value to_js(Napi::Env env, const EngineInfo& info) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("libtorch", info.libtorch);
  out.Set("variant", info.variant);
  out.Set("cudaDevices", to_js(env, info.cuda_devices));
  out.Set("cpuCapability", info.cpu_capability);
  out.Set("kernels", info.kernels);
  out.Set("bf16Devices", to_js(env, info.bf16_devices));
  out.Set("threads", info.threads);
  out.Set("parallelBackend", info.parallel_backend);
  return out;
}

Napi::Error to_js(Napi::Env env, const ErrorInfo& info) {
  Napi::Error error = Napi::Error::New(env, info.message);
  error.Set("code", Napi::String::New(env, error_code_name(info.code)));
  return error;
}

}  // namespace finetag::marshal
