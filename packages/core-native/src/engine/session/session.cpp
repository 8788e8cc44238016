#include "engine/session/session.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>

#include "engine/core/autocast.h"
#include "engine/core/cancel.h"
#include "engine/core/core_gate.h"
#include "engine/core/cpu_memory.h"
#include "engine/core/device.h"
#include "engine/core/error.h"
#include "engine/core/transpose_matrix.h"
#include "engine/loss/bce.h"
#include "engine/optim/adamw.h"
#include "engine/optim/schedule.h"

namespace finetag {

namespace {

/// Checks before anything is allocated.
c10::Device checked_device(const SessionConfig& config) {
  check(config.model);
  if (config.threads < 1) throw Error(ErrorCode::kArgument, "threads must be at least 1");
  const c10::Device device = parse_device(config.device);
  check_precision(device, config.precision);
  if (config.precision == Precision::kInt8 && !config.fused)
    throw Error(ErrorCode::kArgument, "int8 needs the fused kernels");
  return device;
}

double counted_terms(const HostBatch& batch, int64_t labels) {
  if (batch.label_mask_BL.empty()) return static_cast<double>(batch.texts() * labels);
  double count = 0;
  for (const float counts : batch.label_mask_BL) count += counts;
  return count;
}

/// In one pass of whole vectors, with no branch: weights are looked at while they are loaded.
bool all_finite(const at::Tensor& tensor) {
  const at::Tensor values = tensor.to(at::kCPU, at::kFloat).contiguous();
  constexpr uint32_t kMagnitude = 0x7fffffff;
  constexpr uint32_t kInfinity = 0x7f800000;  // every NaN is above it
  const float* data = values.const_data_ptr<float>();
  uint32_t largest = 0;
  for (int64_t i = 0, count = values.numel(); i < count; ++i)
    largest = std::max(largest, std::bit_cast<uint32_t>(data[i]) & kMagnitude);
  return largest < kInfinity;
}

class Stopwatch {
 public:
  /// Seconds since the last call.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double> passed = now - last_;
    last_ = now;
    return passed.count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// Writes whole rows of the transpose, from its element `first` on.
void write_transposed(const std::string& name, const at::Tensor& target, const at::Tensor& data,
                      int64_t first) {
  const int64_t columns = target.size(0);
  if (target.dim() != 2 || first % columns != 0 || data.numel() % columns != 0)
    throw Error(ErrorCode::kArgument, "parameter \"" + name + "\" takes a transpose in rows of " +
                                          std::to_string(columns) + " only, if it is a matrix");
  const int64_t rows = data.numel() / columns;
  if (target.is_cpu()) {
    const at::Tensor from = data.contiguous();
    transpose_matrix(from.const_data_ptr<float>(), rows, columns,
                     target.mutable_data_ptr<float>() + first / columns, target.size(1));
  } else {
    target.narrow(1, first / columns, rows).copy_(data.view({rows, columns}).t());
  }
}

/// `count` elements from `begin` on, or all of them, must be there.
void check_part(const std::string& name, const at::Tensor& whole, std::optional<int64_t> begin,
                int64_t count) {
  const int64_t first = begin.value_or(0), room = whole.numel() - first;
  if (first >= 0 && (begin ? count <= room : count == room)) return;
  const std::string from = begin ? " from " + std::to_string(first) + " on" : "";
  throw Error(ErrorCode::kArgument, "parameter \"" + name + "\" holds " + std::to_string(whole.numel()) +
                                        " values, not " + std::to_string(count) + from);
}

double to_double(const at::Tensor& scalar) { return scalar.is_meta() ? 0.0 : scalar.item<double>(); }

}  // namespace

Session::Session(const SessionConfig& config, const std::atomic<bool>* stop, const ModelFactory& make)
    : config_(config),
      device_(checked_device(config)),
      fused_(config.fused && device_.is_cpu() && config.precision != Precision::kBfloat16),
      stop_(stop),
      store_(device_, fused_, config.precision == Precision::kInt8) {
  if (device_.is_cpu()) {
    install_cpu_memory();
    release_memory_.is_cpu = true;
  }
  set_thread_count(config.threads);
  model_ = make(store_, config_.model);
}

void Session::initialize(const std::vector<std::string>& names) {
  const CancelScope cancel(stop_);
  for (const std::string& name : names) {
    CancelScope::check();
    if (stored_of(store_.find(name)).rows != nullptr) catch_up();
    store_.initialize(name, config_.seed, config_.model.initializer_range);
  }
}

void Session::catch_up() {
  if (!fused_adamw_ || !fused_adamw_->has_late_rows()) return;
  const CancelScope cancel(stop_);
  const CoreGate::Permit permit(config_.threads);
  fused_adamw_->catch_up();
}

at::Tensor Session::values(TensorKind kind, const std::string& name) {
  const NamedParameter& parameter = store_.find(name);
  store_.require_float32(parameter);
  const StoredParameter& stored = stored_of(parameter);
  if (stored.rows != nullptr) catch_up();
  at::Tensor whole;
  switch (kind) {
    case TensorKind::kWeight:
      whole = stored.value;
      break;
    case TensorKind::kGrad:
      whole = stored.dense_gradient();
      break;
    case TensorKind::kExpAvg:
      whole = stored.exp_avg;
      break;
    case TensorKind::kExpAvgSq:
      whole = stored.exp_avg_sq;
      break;
  }
  if (!whole.defined())
    throw Error(ErrorCode::kArgument, "there are no moments before training is configured");
  return store_.slice(parameter, whole);
}

at::Tensor Session::read(TensorKind kind, const std::string& name) {
  return values(kind, name).to(at::kCPU, at::kFloat, /*non_blocking=*/false, /*copy=*/true).contiguous();
}

bool Session::read_part(TensorKind kind, const std::string& name, int64_t begin, const at::Tensor& target) {
  const at::Tensor from = values(kind, name);
  check_part(name, from, begin, target.numel());
  const at::NoGradGuard no_grad;
  target.copy_(from.flatten().narrow(0, begin, target.numel()));
  return all_finite(target);
}

bool Session::write(TensorKind kind, const std::string& name, const at::Tensor& data,
                    std::optional<int64_t> begin, bool transposed) {
  NamedParameter& parameter = store_.find(name);
  store_.require_float32(parameter);
  StoredParameter& stored = stored_of(parameter);
  if (stored.rows != nullptr) catch_up();
  at::Tensor whole = kind == TensorKind::kWeight   ? stored.value
                     : kind == TensorKind::kExpAvg ? stored.exp_avg
                                                   : stored.exp_avg_sq;
  if (!whole.defined())
    throw Error(ErrorCode::kArgument, "there are no moments before training is configured");
  at::Tensor target = store_.slice(parameter, whole);
  const int64_t first = begin.value_or(0);
  const int64_t room = target.numel() - first;
  check_part(name, target, begin, data.numel());
  if (transposed) {
    write_transposed(name, target, data, first);
  } else {
    target.view({-1}).narrow(0, first, data.numel()).copy_(data.flatten());
  }
  if (fused_adamw_ && stored.rows != nullptr) fused_adamw_->start_at(step_);  // moments may no longer be zero
  if (kind == TensorKind::kWeight && data.numel() == room) parameter.filled = true;
  return all_finite(data);
}

void Session::require_trainable() const {
  if (config_.precision != Precision::kInt8) return;
  throw Error(ErrorCode::kArgument,
              "a model in int8 cannot be trained; open it with precision float32 or bf16");
}

void Session::configure_training(const TrainingConfig& config) {
  require_trainable();
  check(config);
  catch_up();  // of a training before this one, which may leave rows behind
  // Should this fail for want of memory, no training is configured, rather than half of one.
  training_.reset();
  fused_adamw_.reset();
  store_.allocate_moments();
  if (fused_) fused_adamw_.emplace(store_).start_at(0);
  training_ = config;
  step_ = 0;
}

void Session::set_step(int64_t step) {
  if (step < 0 || step > 0xFFFFFFFE)
    throw Error(ErrorCode::kArgument, "step must fit an unsigned 32-bit integer");
  catch_up();
  step_ = step;
  if (fused_adamw_) fused_adamw_->start_at(step);
}

ForwardContext Session::training_context(size_t micro_batch) const {
  ForwardContext context;
  context.training = true;
  context.fused = fused_;
  context.seed = config_.seed;
  context.step = static_cast<uint32_t>(step_);
  context.micro_batch = static_cast<uint32_t>(micro_batch);
  return context;
}

Batch Session::place(const HostBatch& host) {
  Batch batch = to_device(host, config_.model, device_, model_->tables(fused_));
  if (fused_adamw_) fused_adamw_->catch_up(batch.ids_T);
  return batch;
}

void Session::place_ahead(const StepBatches& micro_batches) {
  ahead_.reset();
  placed_ahead_.clear();
  if (fused_)
    return;  // there is no other device, and the step's word rows are brought up to date in its turn
  try {
    for (const HostBatch& batch : *micro_batches) {
      check(batch, config_.model);
      placed_ahead_.push_back(place(batch));
    }
    ahead_ = micro_batches;
  } catch (const std::exception&) {
    placed_ahead_.clear();
  }
}

at::Tensor Session::accumulate_gradients(const StepBatches& step_batches, StepTimes& times) {
  const std::vector<HostBatch>& micro_batches = *step_batches;
  Stopwatch watch;
  std::vector<Batch> placed;
  if (ahead_ == step_batches) placed.swap(placed_ahead_);
  ahead_.reset();
  require_trainable();
  store_.require_filled();
  if (micro_batches.empty()) throw Error(ErrorCode::kArgument, "a training step needs at least one batch");
  double count = 0;
  for (const HostBatch& batch : micro_batches) {
    check(batch, config_.model);
    if (batch.labels_BL.empty()) throw Error(ErrorCode::kArgument, "training needs labels");
    count += counted_terms(batch, config_.model.num_labels);
  }
  if (count == 0)
    throw Error(ErrorCode::kArgument, "the label mask leaves nothing to learn from in this step");

  clear_gradients(store_);
  at::Tensor loss;
  for (size_t i = 0; i < micro_batches.size(); ++i) {
    const CoreGate::Permit permit(config_.threads);
    watch.lap();
    const Batch batch = placed.empty() ? place(micro_batches[i]) : std::move(placed[i]);
    times.data += watch.lap();
    ForwardContext context = training_context(i);
    at::Tensor mean_loss;
    {
      const AutocastScope autocast(device_, config_.precision);
      const at::Tensor logits_BL = model_->forward(batch, context);
      mean_loss = bce_with_logits_sum(logits_BL, batch.labels_BL, batch.label_mask_BL, fused_) / count;
    }
    times.forward += watch.lap();
    torch::autograd::backward({mean_loss});
    times.backward += watch.lap();
    loss = loss.defined() ? loss + mean_loss.detach() : mean_loss.detach();
  }
  return loss;
}

StepResult Session::train_step(const StepBatches& micro_batches,
                               const std::function<void()>& before_waiting) {
  if (!training_) throw Error(ErrorCode::kArgument, "training is not configured");
  const CancelScope cancel(stop_);
  StepTimes times;
  const at::Tensor loss_tensor = accumulate_gradients(micro_batches, times);
  const CoreGate::Permit permit(config_.threads);
  Stopwatch watch;
  const double rate = learning_rate(*training_, step_);
  const AdamWOptions options{rate, training_->beta1, training_->beta2, training_->epsilon,
                             training_->weight_decay};
  const double max_norm = training_->max_grad_norm;
  double loss, norm;
  // A loss that is no number must not reach the weights: the caller can still save them.
  if (fused_adamw_) {
    loss = to_double(loss_tensor);
    norm = fused_adamw_->gradient_norm();
    if (std::isfinite(loss) && std::isfinite(norm)) fused_adamw_->step(options, step_ + 1, norm, max_norm);
  } else {
    const at::NoGradGuard no_grad;
    const at::Tensor norm_tensor = gradient_norm(store_);
    adamw_step(store_, options, step_ + 1, loss_tensor, norm_tensor, max_norm);
    if (before_waiting) before_waiting();
    // Here, and nowhere before in the step, the device is waited for.
    loss = to_double(loss_tensor);
    norm = to_double(norm_tensor);
  }
  if (std::isfinite(loss) && std::isfinite(norm)) ++step_;
  clear_gradients(store_);
  times.optimizer = watch.lap();
  return {loss, norm, rate, step_, times};
}

double Session::backward(const HostBatch& batch) {
  const CancelScope cancel(stop_);
  StepTimes times;
  const auto one = std::make_shared<const std::vector<HostBatch>>(1, batch);
  return to_double(accumulate_gradients(one, times));
}

ForwardResult Session::forward(const HostBatch& host) {
  store_.require_filled();
  check(host, config_.model);
  const CancelScope cancel(stop_);
  const CoreGate::Permit permit(config_.threads);
  const at::NoGradGuard no_grad;
  const Batch batch = place(host);
  ForwardContext context;
  context.fused = fused_;
  at::Tensor logits_BL;
  {
    const AutocastScope autocast(device_, config_.precision);
    logits_BL = model_->forward(batch, context).to(at::kFloat);
  }
  if (config_.precision == Precision::kInt8 && !is_packed_) {
    release_cpu_memory();  // the allocator holds the float32 values that this first pass has packed
    is_packed_ = true;
  }
  ForwardResult result;
  if (batch.labels_BL.defined()) {
    result.loss_sum = to_double(bce_with_logits_sum(logits_BL, batch.labels_BL, batch.label_mask_BL, fused_));
    result.loss_count = counted_terms(host, config_.model.num_labels);
  }
  result.logits_BL = logits_BL.is_meta() ? logits_BL : logits_BL.to(at::kCPU).contiguous();
  return result;
}

}  // namespace finetag
