#include "engine/loss/bce.h"

#include <ATen/core/Reduction.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>

namespace finetag {

at::Tensor bce_with_logits_sum(const at::Tensor& logits_BL, const at::Tensor& labels_BL,
                               const at::Tensor& mask_BL) {
  const std::optional<at::Tensor> weight =
      mask_BL.defined() ? std::optional<at::Tensor>(mask_BL) : std::nullopt;
  return at::binary_cross_entropy_with_logits(logits_BL.to(at::kFloat), labels_BL, weight, {},
                                              at::Reduction::Sum);
}

}  // namespace finetag
