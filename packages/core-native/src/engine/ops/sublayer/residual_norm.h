// Shape letters: R rows (tokens, or first tokens), H features.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/kernels/kernels.h"
#include "engine/ops/weights.h"

namespace finetag {

/// What the backward pass of `residual_norm` keeps of the forward pass.
struct ResidualNormSaved {
  at::Tensor sum_RH;  // what was normed
  at::Tensor mean_R, rstd_R;
  DropoutMask mask;
};

/// norm(dropout(x + bias) + residual), `[R, H]`: how both sublayers of a post-LN layer end. By the CPU's
/// kernel, outside autograd. `x_RH` is used up, since the sum or the result takes its memory. `bias_H` may be
/// undefined, `saved` null where no backward pass follows.
at::Tensor residual_norm(const at::Tensor& x_RH, const at::Tensor& bias_H, const at::Tensor& residual_RH,
                         const NormWeights& norm, const Dropout& dropout, ResidualNormSaved* saved);

/// Gradients of the inputs; one tensor for both where nothing was dropped.
struct ResidualNormGradients {
  at::Tensor residual_RH;
  at::Tensor x_RH;
};

/// Adds the gradients of the norm's weights and of `bias_H` to theirs.
ResidualNormGradients residual_norm_backward(const at::Tensor& grad_y_RH, const ResidualNormSaved& saved,
                                             const NormWeights& norm, const at::Tensor& bias_H);

}  // namespace finetag
