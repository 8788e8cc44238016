#include "engine/loss/bce.h"

#include <ATen/core/Reduction.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>

#include <numeric>

#include "engine/ops/fused.h"

namespace finetag {

namespace {

at::Tensor composite(const at::Tensor& logits_BL, const at::Tensor& labels_BL, const at::Tensor& mask_BL) {
  const std::optional<at::Tensor> weight =
      mask_BL.defined() ? std::optional<at::Tensor>(mask_BL) : std::nullopt;
  return at::binary_cross_entropy_with_logits(logits_BL.to(at::kFloat), labels_BL, weight, {},
                                              at::Reduction::Sum);
}

struct BceBackward : torch::autograd::Node {
  at::Tensor grad_BL;

  torch::autograd::variable_list apply(torch::autograd::variable_list&& grads) override {
    const at::NoGradGuard no_grad;
    return {grad_BL.mul_(grads[0])};
  }
  void release_variables() override { grad_BL = at::Tensor(); }
};

at::Tensor fused_forward(const at::Tensor& logits_any, const at::Tensor& labels_BL,
                         const at::Tensor& mask_BL) {
  const bool recorded = at::GradMode::is_enabled() && logits_any.requires_grad();
  const auto node = recorded ? c10::make_intrusive<BceBackward>() : c10::intrusive_ptr<BceBackward>();
  at::Tensor loss;
  {
    const at::NoGradGuard no_grad;
    const at::Tensor logits_BL = logits_any.detach().contiguous();
    const at::Tensor grad_BL = recorded ? at::empty_like(logits_BL) : at::Tensor();
    const int64_t B = logits_BL.size(0), L = logits_BL.size(1);
    std::vector<double> loss_B(B);
    const BceWithLogits bce{L,
                            data(logits_BL),
                            data(labels_BL),
                            mask_BL.defined() ? data(mask_BL) : nullptr,
                            recorded ? mutable_data(grad_BL) : nullptr,
                            loss_B.data()};
    parallel_rows(B, L, [&](int64_t begin, int64_t end) { kernels().bce_with_logits(bce, begin, end); });
    loss = at::full({}, std::accumulate(loss_B.begin(), loss_B.end(), 0.0), logits_BL.options());
    if (recorded) node->grad_BL = grad_BL;
  }
  if (recorded) record(node, loss, {logits_any});
  return loss;
}

}  // namespace

at::Tensor bce_with_logits_sum(const at::Tensor& logits_BL, const at::Tensor& labels_BL,
                               const at::Tensor& mask_BL, bool fused) {
  return fused ? fused_forward(logits_BL, labels_BL, mask_BL) : composite(logits_BL, labels_BL, mask_BL);
}

}  // namespace finetag
