// Shape letters: R rows (tokens, or first tokens), I features of a layer's input, O of its output.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/ops/weights.h"

namespace finetag {

/// What a linear layer gives, but for the bias that the kernel that follows still has to add.
struct LinearProduct {
  at::Tensor y_RO;
  const float* bias_O;  // null where it is in y already: the own product adds it for nothing
};

/// x W^T of a linear layer, `[R, I]` -> `[R, O]`, outside autograd. In int8 where the layer has it, else in
/// float32.
LinearProduct linear_product(const at::Tensor& x_RI, const LinearWeights& layer);

/// The same for the outputs [row, row + rows) alone.
LinearProduct linear_product(const at::Tensor& x_RI, const LinearWeights& layer, int64_t row, int64_t rows);

/// x W^T by the CPU's kernel for few rows (kernels/few_rows.cpp), `[R, I]`, `[O, I]` -> `[R, O]`: what
/// `linear_product` takes in float32 where that is the faster way.
at::Tensor few_rows_product(const at::Tensor& x_RI, const at::Tensor& weight_OI);

}  // namespace finetag
