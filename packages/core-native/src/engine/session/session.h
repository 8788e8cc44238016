// Shape letters: B texts, L labels.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/batch.h"
#include "engine/core/config.h"
#include "engine/core/cpu_memory.h"
#include "engine/nn/model.h"
#include "engine/nn/parameters.h"
#include "engine/optim/fused_adamw.h"

namespace finetag {

struct SessionConfig {
  ModelConfig model;
  std::string device = "cpu";
  int threads = 1;
  uint32_t seed = 0;
  /// kInt8 is for `forward` alone.
  Precision precision = Precision::kFloat32;
  /// Ops may take their fused kernels, where device and precision have them; false: plain ATen operators
  /// everywhere, the kernels' reference.
  bool fused = true;
};

/// Seconds of a training step, by what they went into.
struct StepTimes {
  double data = 0;  // checks and the way to the device
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

struct ForwardResult {
  at::Tensor logits_BL;  // float32 on the CPU
  std::optional<double> loss_sum;
  std::optional<double> loss_count;
};

enum class TensorKind { kWeight, kGrad, kExpAvg, kExpAvgSq };

/// The micro-batches of a step. Shared, since those of the next one are known by this pointer.
using StepBatches = std::shared_ptr<const std::vector<HostBatch>>;

/// A model, its optimizer and their state on one device. Not thread-safe: one thread owns a session from
/// its construction on, since libtorch's thread count and modes belong to threads.
class Session {
 public:
  /// `stop` may be set by another thread: work under way then ends with Cancelled.
  /// `make` builds the model: by default that of the config's family.
  Session(const SessionConfig& config, const std::atomic<bool>* stop, const ModelFactory& make = make_model);

  const ModelConfig& model_config() const { return config_.model; }
  const std::vector<NamedParameter>& parameters() const { return store_.named(); }

  void initialize(const std::vector<std::string>& names);
  /// A float32 copy on the CPU. A gradient that does not exist reads as zeros. In int8, neither this nor the
  /// next is for the layers that a forward pass has packed.
  at::Tensor read(TensorKind kind, const std::string& name);
  /// Copies as many elements as `target` has, from `begin` on. False where not all of them are finite.
  bool read_part(TensorKind kind, const std::string& name, int64_t begin, const at::Tensor& target);
  /// With `begin`, the elements from that one on: large tensors come in parts, in their order. Where they are
  /// `transposed`, a part is whole rows of the transpose. False where not all of `data` is finite; it is
  /// written all the same.
  bool write(TensorKind kind, const std::string& name, const at::Tensor& data,
             std::optional<int64_t> begin = std::nullopt, bool transposed = false);

  void configure_training(const TrainingConfig& config);
  /// `before_waiting` is called when the device has all of the step's work and only its result is waited for:
  /// the time to place the next step's batches. Not where the step has by then been computed: on the CPU's
  /// kernels.
  StepResult train_step(const StepBatches& micro_batches, const std::function<void()>& before_waiting = {});
  StepResult train_step(std::vector<HostBatch> micro_batches) {
    return train_step(std::make_shared<const std::vector<HostBatch>>(std::move(micro_batches)));
  }
  /// Sends the batches of the next step to the device. A fault in them is left for that step to tell.
  void place_ahead(const StepBatches& micro_batches);
  /// Leaves gradients of the mean loss in place; returns the loss.
  double backward(const HostBatch& batch);
  ForwardResult forward(const HostBatch& batch);

  int64_t step() const { return step_; }
  void set_step(int64_t step);
  int64_t bytes() const { return store_.bytes(); }

 private:
  /// Destroyed last, when the tensors of this session have given their memory back. Sessions that had none of
  /// the CPU's memory leave to others what they are about to use again.
  struct ReleaseMemory {
    bool is_cpu = false;
    ~ReleaseMemory() {
      if (is_cpu) release_cpu_memory();
    }
  };

  void require_trainable() const;
  Batch place(const HostBatch& batch);
  /// Brings all rows of the word table up to the last step.
  void catch_up();
  /// Where the values lie, brought up to date; those of a gradient that is kept by rows are a copy.
  at::Tensor values(TensorKind kind, const std::string& name);
  /// Leaves gradients in place; returns the mean loss, on the device.
  at::Tensor accumulate_gradients(const StepBatches& micro_batches, StepTimes& times);
  ForwardContext training_context(size_t micro_batch) const;
  StoredParameter& stored_of(const NamedParameter& parameter) { return store_.stored()[parameter.storage]; }

  ReleaseMemory release_memory_;
  SessionConfig config_;
  c10::Device device_;
  bool fused_;
  const std::atomic<bool>* stop_;
  ParameterStore store_;
  std::unique_ptr<Model> model_;
  std::optional<TrainingConfig> training_;
  std::optional<FusedAdamW> fused_adamw_;  // while training is configured, where the kernels are used
  int64_t step_ = 0;
  StepBatches ahead_;  // those that place_ahead was given
  std::vector<Batch> placed_ahead_;
  bool is_packed_ = false;  // the int8 weights
};

}  // namespace finetag
