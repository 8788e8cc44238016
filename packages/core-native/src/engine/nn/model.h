// Shape letters: B texts, L labels.
#pragma once

#include <functional>
#include <memory>

#include "engine/core/batch.h"
#include "engine/core/config.h"
#include "engine/nn/layers.h"

namespace finetag {

/// An encoder with its multi-label head.
class Model {
 public:
  virtual ~Model() = default;
  /// Logits `[B, L]`, float32 or the autocast type.
  virtual at::Tensor forward(const Batch& batch, ForwardContext& context) const = 0;
  /// The index tables that `forward` reads of its batch, where its context has the same `fused`. All of them,
  /// unless a model knows better.
  virtual BatchTables tables(bool fused) const { return {.padding = true}; }
};

using ModelFactory = std::function<std::unique_ptr<Model>(ParameterStore&, const ModelConfig&)>;

/// Registers all parameters of the config's family in `store`. Throws kArgument for an unknown family.
std::unique_ptr<Model> make_model(ParameterStore& store, const ModelConfig& config);

}  // namespace finetag
