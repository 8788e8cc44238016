#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "engine/core/batch.h"
#include "engine/core/config.h"
#include "engine/nn/parameters.h"
#include "engine/ops/random/dropout.h"
#include "engine/ops/weights.h"

namespace finetag {

/// What a forward pass needs to know besides its batch.
struct ForwardContext {
  bool training = false;
  /// Ops may take the CPU's kernels; each takes its own where that applies (`kernels_apply`), and its
  /// composite form elsewhere.
  bool fused = false;
  uint32_t seed = 0;
  uint32_t step = 0;
  uint32_t micro_batch = 0;
  uint32_t next_site = 0;  // places of dropout, counted in the order of the pass

  DropoutKey next_key() { return {seed, step, micro_batch, next_site++}; }
  Dropout next_dropout(double p) { return {training ? p : 0.0, next_key()}; }
  at::Tensor drop(const at::Tensor& x, double p) {
    const Dropout here = next_dropout(p);
    return dropout(x, here.p, here.key);
  }
};

enum class Bias { kAdded, kNone };

/// y = x W^T + b, W `[out, in]`.
struct Linear : LinearWeights {
  Linear(ParameterStore& store, const std::string& prefix, int64_t in, int64_t out, Bias bias = Bias::kAdded);
  /// Layers of one input stacked as one, for one GEMM: each name has its `out` / number of names rows.
  Linear(ParameterStore& store, const std::vector<std::string>& prefixes, int64_t in, int64_t out,
         Bias bias = Bias::kAdded);
};

struct LayerNorm : NormWeights {
  LayerNorm(ParameterStore& store, const std::string& prefix, int64_t features, double epsilon,
            Bias bias = Bias::kAdded);
};

}  // namespace finetag
