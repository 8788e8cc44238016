#pragma once

#include <ATen/core/Tensor.h>

#include "engine/nn/parameters.h"

namespace finetag {

struct AdamWOptions {
  double learning_rate;
  double beta1;
  double beta2;
  double epsilon;
  double weight_decay;
};

/// L2 norm over all gradients, as torch.nn.utils.clip_grad_norm_ forms it: the norm of the tensors' norms.
at::Tensor gradient_norm(const ParameterStore& store);

/// One AdamW step (Loshchilov & Hutter 2019, in PyTorch's form) with bias correction for step number `step`,
/// counted from 1. Gradients are first scaled by max_norm / (norm + 1e-6) where that is below 1 (0: never).
/// Nothing changes where `loss` or `norm` is not a finite number. All of it is queued on the device, without
/// waiting for it.
void adamw_step(ParameterStore& store, const AdamWOptions& options, int64_t step, const at::Tensor& loss,
                const at::Tensor& norm, double max_norm);

void clear_gradients(ParameterStore& store);

}  // namespace finetag
