// Shape letters: R rows (tokens, or first tokens), H features, I intermediate features.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/core/config.h"
#include "engine/ops/weights.h"

namespace finetag {

struct FeedForwardWeights {
  LinearWeights intermediate;  // [I, H]
  LinearWeights output;        // [H, I]
  NormWeights norm;
};

/// norm(x + dropout(output(activation(intermediate(x))))), `[R, H]` -> `[R, H]`: the second half of a post-LN
/// layer (Vaswani et al. 2017, 3.3). `fused`: by the CPU's kernels where they apply.
at::Tensor feed_forward_sublayer(const at::Tensor& x_RH, const FeedForwardWeights& weights,
                                 Activation activation, const Dropout& dropout, bool fused);

}  // namespace finetag
