#include "engine/train/trainer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <utility>

#include "engine/core/cancel.h"
#include "engine/core/core_gate.h"
#include "engine/core/error.h"
#include "engine/device/device.h"
#include "engine/optim/adamw.h"
#include "engine/optim/schedule.h"

namespace finetag {

namespace {

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

}  // namespace

Trainer::~Trainer() {
  release_optimizer();
  clear_gradients(session_.store());
  for (StoredParameter& parameter : session_.store().stored()) {
    parameter.exp_avg = at::Tensor();
    parameter.exp_avg_sq = at::Tensor();
  }
}

void Trainer::configure(const TrainingConfig& config) {
  require_trainable();
  check(config);
  session_.catch_up();  // of a training before this one, which may leave rows behind
  // Should this fail for want of memory, no training is configured, rather than half of one.
  release_optimizer();
  session_.store().allocate_moments();
  if (session_.is_fused()) {
    fused_adamw_.emplace(session_.store()).start_at(0);
    session_.set_late_rows(&*fused_adamw_);
  }
  config_ = config;
  step_ = 0;
}

void Trainer::release_optimizer() {
  session_.set_late_rows(nullptr);
  fused_adamw_.reset();
  config_.reset();
}

void Trainer::set_step(int64_t step) {
  if (step < 0 || step > 0xFFFFFFFE)
    throw Error(ErrorCode::kArgument, "step must fit an unsigned 32-bit integer");
  session_.catch_up();
  step_ = step;
  if (fused_adamw_) fused_adamw_->start_at(step);
}

void Trainer::require_configured() const {
  if (!config_) throw Error(ErrorCode::kArgument, "training is not configured");
}

void Trainer::require_trainable() const {
  if (session_.config().precision != Precision::kInt8) return;
  throw Error(ErrorCode::kArgument,
              "a model in int8 cannot be trained; open it with precision float32 or bf16");
}

void Trainer::check_batches(const std::vector<HostBatch>& micro_batches) const {
  if (micro_batches.empty()) throw Error(ErrorCode::kArgument, "a training step needs at least one batch");
  for (const HostBatch& batch : micro_batches) {
    check(batch, session_.config().model);
    if (batch.labels_BL.empty()) throw Error(ErrorCode::kArgument, "training needs labels");
  }
}

ForwardContext Trainer::context_of(size_t micro_batch) const {
  ForwardContext context;
  context.training = true;
  context.fused = session_.is_fused();
  context.seed = session_.config().seed;
  context.step = static_cast<uint32_t>(step_);
  context.micro_batch = static_cast<uint32_t>(micro_batch);
  return context;
}

double Trainer::count_terms(const std::vector<HostBatch>& micro_batches) const {
  double count = 0;
  for (const HostBatch& batch : micro_batches) count += finetag::count_terms(session_.config().loss, batch);
  return count;
}

void Trainer::place_ahead(const StepBatches& micro_batches) {
  ahead_.reset();
  placed_ahead_.clear();
  if (session_.is_fused())
    return;  // there is no other device, and the step's word rows are brought up to date in its turn
  try {
    for (const HostBatch& batch : *micro_batches) {
      check(batch, session_.config().model);
      placed_ahead_.push_back(session_.place(batch));
    }
    ahead_ = micro_batches;
  } catch (const std::exception&) {
    placed_ahead_.clear();
  }
}

at::Tensor Trainer::compute_gradients(const StepBatches& step_batches, double term_count) {
  const std::vector<HostBatch>& micro_batches = *step_batches;
  std::vector<Batch> placed;
  if (ahead_ == step_batches) placed.swap(placed_ahead_);
  ahead_.reset();
  require_trainable();
  session_.store().require_filled();
  check_batches(micro_batches);
  if (!(term_count > 0))
    throw Error(ErrorCode::kArgument, "the label mask leaves nothing to learn from in this step");

  const CancelScope cancel(session_.stop_flag());
  clear_gradients(session_.store());
  loss_ = at::Tensor();
  times_ = {};
  at::Tensor loss;
  Stopwatch watch;
  for (size_t i = 0; i < micro_batches.size(); ++i) {
    const CoreGate::Permit permit(session_.config().threads);
    watch.lap();
    const Batch batch = placed.empty() ? session_.place(micro_batches[i]) : std::move(placed[i]);
    times_.data += watch.lap();
    ForwardContext context = context_of(i);
    const at::Tensor share = session_.loss_sum(batch, context) / term_count;
    times_.forward += watch.lap();
    torch::autograd::backward({share});
    times_.backward += watch.lap();
    loss = loss.defined() ? loss + share.detach() : share.detach();
  }
  loss_ = loss;
  return loss;
}

StepResult Trainer::apply_gradients(const std::function<void()>& before_waiting) {
  require_configured();
  if (!loss_.defined()) throw Error(ErrorCode::kArgument, "there are no gradients; compute them first");
  const CancelScope cancel(session_.stop_flag());
  const CoreGate::Permit permit(session_.config().threads);
  Stopwatch watch;
  const at::Tensor loss_tensor = std::exchange(loss_, {});
  ParameterStore& store = session_.store();
  const double rate = learning_rate(*config_, step_);
  const AdamWOptions options{rate, config_->beta1, config_->beta2, config_->epsilon, config_->weight_decay};
  const double max_norm = config_->max_grad_norm;
  double loss, norm;
  // A loss that is no number must not reach the weights: the caller can still save them.
  if (fused_adamw_) {
    loss = to_double(loss_tensor);
    norm = fused_adamw_->gradient_norm();
    if (std::isfinite(loss) && std::isfinite(norm)) fused_adamw_->step(options, step_ + 1, norm, max_norm);
  } else {
    const at::NoGradGuard no_grad;
    const at::Tensor norm_tensor = gradient_norm(store);
    adamw_step(store, options, step_ + 1, loss_tensor, norm_tensor, max_norm);
    if (before_waiting) before_waiting();
    // Here, and nowhere before in the step, the device is waited for.
    loss = to_double(loss_tensor);
    norm = to_double(norm_tensor);
  }
  if (std::isfinite(loss) && std::isfinite(norm)) ++step_;
  clear_gradients(store);
  times_.optimizer = watch.lap();
  return {loss, norm, rate, step_, times_};
}

StepResult Trainer::train_step(const StepBatches& micro_batches,
                               const std::function<void()>& before_waiting) {
  require_configured();
  const double term_count = count_terms(*micro_batches);
  // A step over several processes sums the count of terms over them here,
  compute_gradients(micro_batches, term_count);
  // and here the gradients and the loss. Clipping and the check for finite numbers then see those of all.
  return apply_gradients(before_waiting);
}

double Trainer::backward(const HostBatch& batch) {
  const auto one = std::make_shared<const std::vector<HostBatch>>(1, batch);
  return to_double(compute_gradients(one, count_terms(*one)));
}

}  // namespace finetag
