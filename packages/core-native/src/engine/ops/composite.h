// What the composite ops have in common: plain ATen operators, which autograd differentiates and which run on
// any device and in any precision. A layer or a norm without a bias has an undefined one.
//
// Shape letters: R rows, I features of a layer's input, O of its output, H features.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "engine/ops/weights.h"

namespace finetag {

/// x W^T + b, `[R, I]` -> `[R, O]`; in int8 where the layer has that form, which autograd does not see.
at::Tensor composite_linear(const at::Tensor& x_RI, const LinearWeights& layer);

/// The same for the outputs [row, row + rows) alone.
at::Tensor composite_linear(const at::Tensor& x_RI, const LinearWeights& layer, int64_t row, int64_t rows);

/// Layer norm (Ba et al. 2016) over the last axis.
at::Tensor composite_norm(const at::Tensor& x_RH, const NormWeights& norm);

}  // namespace finetag
