#pragma once

#include <ATen/core/Tensor.h>

#include "engine/core/config.h"

namespace finetag {

at::Tensor activate(const at::Tensor& x, Activation activation);

}  // namespace finetag
