// Shape letters: R rows (tokens, or first tokens), I features of a layer's input, O of its output.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/ops/weights.h"

namespace finetag {

/// x W^T of a linear layer, `[R, I]` -> `[R, O]`, without its bias, which the kernel that follows adds;
/// outside autograd. In int8 where the layer has it, else in float32.
at::Tensor linear_product(const at::Tensor& x_RI, const LinearWeights& layer);

/// The same for the outputs [row, row + rows) alone.
at::Tensor linear_product(const at::Tensor& x_RI, const LinearWeights& layer, int64_t row, int64_t rows);

/// x W^T by the CPU's kernel for few rows (kernels/product/few_rows.cpp), `[R, I]`, `[O, I]` -> `[R, O]`:
/// what `linear_product` takes in float32 where that is the faster way.
at::Tensor few_rows_product(const at::Tensor& x_RI, const at::Tensor& weight_OI);

}  // namespace finetag
