// Shape letters: B texts, L labels.
#pragma once

#include <memory>

#include "engine/core/batch.h"
#include "engine/core/config.h"
#include "engine/nn/layers.h"

namespace finetag {

/// A model family: an encoder with its multi-label head.
class Model {
 public:
  virtual ~Model() = default;
  /// Logits `[B, L]`, float32 or the autocast type.
  virtual at::Tensor forward(const Batch& batch, ForwardContext& context) const = 0;
};

/// Registers all parameters of the config's family in `store`.
std::unique_ptr<Model> make_model(ParameterStore& store, const ModelConfig& config);

}  // namespace finetag
