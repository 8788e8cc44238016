// Shape letters: R rows, I features of the input, O of the output.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/ops/weights.h"

namespace finetag {

/// y = x W^T + b, `[R, I]` -> `[R, O]`, of a layer that is no part of a sublayer: the head's, and the
/// projection of narrow embeddings. In float32 (or by autocast) always, since the head is near the result.
/// `fused`: by the CPU's kernels where they apply, with a backward pass that writes the weights' gradients in
/// place.
at::Tensor linear(const at::Tensor& x_RI, const LinearWeights& layer, bool fused);

}  // namespace finetag
