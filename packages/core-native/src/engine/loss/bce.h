// Shape letters: B texts, L labels.
#pragma once

#include <ATen/core/Tensor.h>

namespace finetag {

/// Sum over rows and labels of the binary cross-entropy of sigmoid(logits), in the stable form
/// max(x, 0) - x y + log(1 + exp(-|x|)); float32, differentiable. Masked-out terms count 0.
at::Tensor bce_with_logits_sum(const at::Tensor& logits_BL, const at::Tensor& labels_BL,
                               const at::Tensor& mask_BL);

}  // namespace finetag
