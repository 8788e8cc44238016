#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace finetag {

/// Names one place of dropout in a run. The mask is a pure function of this key and of the element's index,
/// so it is never stored, and a resumed run draws what an unbroken one would have drawn.
struct DropoutKey {
  uint32_t seed;
  uint32_t step;
  uint32_t micro_batch;
  uint32_t site;
};

/// Zeroes each element with probability `p` and scales the rest by 1/(1-p) (Srivastava et al. 2014).
/// Any shape; float32 or bfloat16; p in [0, 1). On the CPU the same bits for any number of threads.
at::Tensor dropout(const at::Tensor& x, double p, DropoutKey key);

}  // namespace finetag
