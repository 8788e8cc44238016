#include "engine/ops/linear.h"

#include <ATen/core/grad_mode.h>

#include "engine/ops/composite.h"
#include "engine/ops/fused.h"
#include "engine/ops/gradient.h"
#include "engine/ops/product/linear_product.h"
#include "engine/ops/product/matrix_product.h"

namespace finetag {

namespace {

struct LinearBackward : torch::autograd::Node {
  at::Tensor weight_OI, bias_O, x_RI;

  torch::autograd::variable_list apply(torch::autograd::variable_list&& grads) override {
    const at::NoGradGuard no_grad;
    const at::Tensor grad_RO = grads[0].contiguous();
    const int64_t R = grad_RO.size(0), O = grad_RO.size(1);
    WeightGradient(weight_OI).add_product(grad_RO, x_RI);
    WeightGradient(bias_O).add_column_sums(data(grad_RO), R, O, O);
    return {matrix_product(grad_RO, weight_OI.detach())};
  }
  void release_variables() override { x_RI = at::Tensor(); }
};

at::Tensor fused_forward(const at::Tensor& x_any, const LinearWeights& layer) {
  const bool recorded = at::GradMode::is_enabled();
  at::Tensor y_RO, x_RI;
  {
    const at::NoGradGuard no_grad;
    x_RI = x_any.detach().contiguous();
    y_RO = linear_product(x_RI, layer);
    if (layer.bias.defined()) y_RO.add_(layer.bias.detach());
  }
  if (recorded) {
    const auto node = c10::make_intrusive<LinearBackward>();
    node->weight_OI = layer.weight;
    node->bias_O = layer.bias;
    node->x_RI = x_RI;
    record(node, y_RO, {x_any});
  }
  return y_RO;
}

}  // namespace

at::Tensor linear(const at::Tensor& x_RI, const LinearWeights& layer, bool fused) {
  const LinearWeights float32{layer.weight, layer.bias, /*int8=*/nullptr};
  return kernels_apply(x_RI, fused) ? fused_forward(x_RI, float32) : composite_linear(x_RI, float32);
}

}  // namespace finetag
