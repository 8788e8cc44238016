// Shape letters: B texts, L labels.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/batch.h"
#include "engine/core/config.h"
#include "engine/core/cpu_memory.h"
#include "engine/core/late_rows.h"
#include "engine/loss/loss.h"
#include "engine/nn/model.h"
#include "engine/nn/parameters.h"

namespace finetag {

struct SessionConfig {
  ModelConfig model;
  std::string device = "cpu";
  int threads = 1;
  /// Cores that all sessions of the process share, where they are fewer than its affinity mask leaves; 0: as
  /// many as that.
  int cores = 0;
  uint32_t seed = 0;
  /// kInt8 is for `forward` alone.
  Precision precision = Precision::kFloat32;
  /// Of `forward` with labels, and of training.
  LossConfig loss;
  /// Ops may use their fused kernels if device and precision allow them; false: plain ATen operators
  /// everywhere, the kernels' reference.
  bool fused = true;
};

struct ForwardResult {
  at::Tensor logits_BL;           // float32 on the CPU
  std::optional<LossTerms> loss;  // of a batch with labels
};

enum class TensorKind { kWeight, kGrad, kExpAvg, kExpAvgSq };

/// A model with its loss on one device: it predicts, evaluates, and gives access to its tensors. A Trainer
/// trains it; without one it holds no optimizer state. Not thread-safe: one thread owns a session from its
/// construction on, since libtorch's thread count and modes belong to threads.
class Session {
 public:
  /// `stop` may be set by another thread: work under way then ends with Cancelled.
  /// `make` builds the model: by default that of the config's family.
  Session(const SessionConfig& config, const std::atomic<bool>* stop, const ModelFactory& make = make_model);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const SessionConfig& config() const { return config_; }
  const std::vector<NamedParameter>& parameters() const { return store_.named(); }
  /// Of weights, gradients and moments.
  int64_t bytes() const { return store_.bytes(); }

  /// The loss from now on, of `forward` and of training. Gradients that wait to be applied stay as they are.
  void set_loss(const LossConfig& loss) { config_.loss = loss; }

  /// Logits of a batch; with labels also its loss. Without dropout or gradients.
  ForwardResult forward(const HostBatch& batch);

  // The tensors, by Hugging Face's names.

  /// Gives the named weights new initial values.
  void initialize(const std::vector<std::string>& names);
  /// A float32 copy on the CPU. A gradient that does not exist reads as zeros. In int8, neither this nor the
  /// next is for the layers that a forward pass has packed.
  at::Tensor read(TensorKind kind, const std::string& name);
  /// Copies as many elements as `target` has, from `begin` on. False where not all of them are finite.
  bool read_part(TensorKind kind, const std::string& name, int64_t begin, const at::Tensor& target);
  /// With `begin`, the elements from that one on: large tensors come in parts, in their order. Where they are
  /// `transposed`, a part is whole rows of the transpose. False where not all of `data` is finite; it is
  /// written all the same. Throws kArgument for kGrad: gradients come from the loss alone.
  bool write(TensorKind kind, const std::string& name, const at::Tensor& data,
             std::optional<int64_t> begin = std::nullopt, bool transposed = false);

  // For a trainer.

  ParameterStore& store() { return store_; }
  bool is_fused() const { return fused_; }
  const std::atomic<bool>* stop_flag() const { return stop_; }
  /// The batch on the session's device, with the rows of the word table that it reads brought up to date.
  Batch place(const HostBatch& batch);
  /// Sum of the batch's loss terms, with the graph that its gradients are formed from.
  at::Tensor loss_sum(const Batch& batch, ForwardContext& context) const;
  /// The rows that are brought up to date before they are read; null: none are late. It must live until
  /// another is set.
  void set_late_rows(LateRows* late_rows) { late_rows_ = late_rows; }
  /// Brings all rows of the word table up to the last step.
  void catch_up();

 private:
  /// Destroyed last, when the tensors of this session have given their memory back. Sessions that had none of
  /// the CPU's memory leave to others what they are about to use again.
  struct ReleaseMemory {
    bool is_cpu = false;
    ~ReleaseMemory() {
      if (is_cpu) release_cpu_memory();
    }
  };

  /// Where the values lie, brought up to date; those of a gradient that is kept by rows are a copy.
  at::Tensor values(TensorKind kind, const NamedParameter& parameter);
  StoredParameter& stored_of(const NamedParameter& parameter) { return store_.stored()[parameter.storage]; }

  ReleaseMemory release_memory_;
  SessionConfig config_;
  c10::Device device_;
  bool fused_;
  const std::atomic<bool>* stop_;
  ParameterStore store_;
  std::unique_ptr<Model> model_;
  LateRows* late_rows_ = nullptr;
  bool is_packed_ = false;  // the int8 weights
};

}  // namespace finetag
