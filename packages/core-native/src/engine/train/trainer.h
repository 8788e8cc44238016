#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "engine/core/batch.h"
#include "engine/core/config.h"
#include "engine/optim/fused_adamw.h"
#include "engine/session/session.h"

namespace finetag {

/// Seconds of a training step, by what they went into.
struct StepTimes {
  double data = 0;  // the way to the device
  double forward = 0;
  double backward = 0;
  double optimizer = 0;  // clipping and AdamW
};

struct StepResult {
  double loss;
  double grad_norm;
  double learning_rate;
  int64_t step;
  StepTimes times;
};

/// The micro-batches of a step. Shared, since those of the next one are known by this pointer.
using StepBatches = std::shared_ptr<const std::vector<HostBatch>>;

/// Trains the model of a session: forms gradients and takes the optimizer's steps, whose configuration and
/// state it owns. Runs on the session's thread and must not outlive the session. A session that is used on
/// without its trainer needs `Session::catch_up` before the trainer goes.
class Trainer {
 public:
  explicit Trainer(Session& session) : session_(session) {}
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// Creates the optimizer at step 0, in place of an older one. Before that, gradients can be formed but not
  /// applied.
  void configure(const TrainingConfig& config);

  /// The loss terms of the batches, which the mean loss of a step divides by.
  double count_terms(const std::vector<HostBatch>& micro_batches) const;
  /// Replaces the gradients by those of (sum of all loss terms) / term_count, and returns that loss, a scalar
  /// on the device. With the batches' own count it is their mean loss. Where a step's batches are spread over
  /// processes, `term_count` is the count of them all; gradients and losses then add up, over the processes,
  /// to those of the step. Throws kArgument unless the count is positive and every batch fits the model and
  /// has labels.
  at::Tensor compute_gradients(const StepBatches& micro_batches, double term_count);
  /// Takes the optimizer's step by the gradients and clears them. Where they or the loss are not finite, no
  /// step is taken. Throws kArgument where there are no gradients, or no optimizer.
  /// `before_waiting` is called when the device has all of the step's work and only its result is waited for:
  /// the time to place the next step's batches. Not where the step has by then been computed: on the CPU's
  /// kernels.
  StepResult apply_gradients(const std::function<void()>& before_waiting = {});

  /// compute_gradients with the batches' own count of terms, then apply_gradients.
  StepResult train_step(const StepBatches& micro_batches, const std::function<void()>& before_waiting = {});
  StepResult train_step(std::vector<HostBatch> micro_batches) {
    return train_step(std::make_shared<const std::vector<HostBatch>>(std::move(micro_batches)));
  }
  /// Sends the batches of the next step to the device. A fault in them is left for that step to tell.
  void place_ahead(const StepBatches& micro_batches);
  /// Leaves gradients of the mean loss of one batch in place; returns the loss.
  double backward(const HostBatch& batch);

  /// Optimizer steps taken; with the seed, the key of dropout.
  int64_t step() const { return step_; }
  void set_step(int64_t step);

 private:
  void require_configured() const;
  void require_trainable() const;
  /// Throws kArgument unless all can be trained on.
  void check_batches(const std::vector<HostBatch>& micro_batches) const;
  void release_optimizer();
  ForwardContext context_of(size_t micro_batch) const;

  Session& session_;
  std::optional<TrainingConfig> config_;
  std::optional<FusedAdamW> fused_adamw_;  // while configured, where the CPU's kernels are used
  int64_t step_ = 0;
  // Of the gradients that wait to be applied:
  at::Tensor loss_;  // on the device; undefined: there are none
  StepTimes times_;
  // Of the next step:
  StepBatches ahead_;  // those that place_ahead was given
  std::vector<Batch> placed_ahead_;
};

}  // namespace finetag
