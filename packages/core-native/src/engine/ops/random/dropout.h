#pragma once

#include <ATen/core/Tensor.h>

#include "engine/core/dropout_key.h"

namespace finetag {

/// Zeroes each element with probability `p` and scales the rest by 1/(1-p) (Srivastava et al. 2014).
/// Any shape; float32 or bfloat16; p in [0, 1). On the CPU the same bits for any number of threads.
at::Tensor dropout(const at::Tensor& x, double p, DropoutKey key);

}  // namespace finetag
