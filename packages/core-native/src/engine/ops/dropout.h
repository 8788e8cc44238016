#pragma once

#include <ATen/core/Tensor.h>

#include "engine/core/dropout_key.h"

namespace finetag {

/// Zeroes each element with probability `p` and scales the rest by 1/(1-p) (Srivastava et al. 2014).
/// Any shape; float32 or bfloat16; p in [0, 1). On the CPU the same bits for any number of threads.
at::Tensor dropout(const at::Tensor& x, double p, DropoutKey key);

/// What seeds another device's own generator for this place of dropout.
uint64_t device_seed(const DropoutKey& key);

}  // namespace finetag
