#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "engine/core/dropout_key.h"

namespace finetag {

class Int8Weight;

/// y = x W^T + b, W `[out, in]`.
struct LinearWeights {
  at::Tensor weight;
  at::Tensor bias;  // undefined where the layer has none
  /// Stands for `weight` where products run in int8; else null.
  std::shared_ptr<Int8Weight> int8;
};

struct NormWeights {
  at::Tensor weight;
  at::Tensor bias;  // undefined where the norm has none
  double epsilon;
};

/// Where a layer's dropout draws from; p is 0 outside training.
struct Dropout {
  double p;
  DropoutKey key;
};

}  // namespace finetag
