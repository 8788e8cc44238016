#pragma once

#include <ATen/core/Tensor.h>

#include "engine/core/dropout_key.h"

namespace finetag {

/// y = x W^T + b, W `[out, in]`.
struct LinearWeights {
  at::Tensor weight;
  at::Tensor bias;
};

struct NormWeights {
  at::Tensor weight;
  at::Tensor bias;
  double epsilon;
};

/// Where a layer's dropout draws from; p is 0 outside training.
struct Dropout {
  double p;
  DropoutKey key;
};

}  // namespace finetag
