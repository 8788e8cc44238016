// Shape letters: B texts, L labels.
#pragma once

#include <ATen/core/Tensor.h>

namespace finetag {

/// Sum over rows and labels of binary cross-entropy of logits, float32; with a mask, of the labels where it
/// is 1. `fused`: the loss and its gradient in one pass.
at::Tensor bce_with_logits_sum(const at::Tensor& logits_BL, const at::Tensor& labels_BL,
                               const at::Tensor& mask_BL, bool fused);

}  // namespace finetag
