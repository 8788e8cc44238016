// Shape letters: R rows (tokens, or first tokens), H features, I intermediate features, C chunks of rows.
#include "engine/ops/sublayer/feed_forward_sublayer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include "engine/ops/composite.h"
#include "engine/ops/fused.h"
#include "engine/ops/gradient.h"
#include "engine/ops/product/linear_product.h"
#include "engine/ops/product/matrix_product.h"
#include "engine/ops/random/dropout.h"
#include "engine/ops/sublayer/activate.h"
#include "engine/ops/sublayer/residual_norm.h"

namespace finetag {

namespace {

at::Tensor composite(const at::Tensor& x_RH, const FeedForwardWeights& w, Activation activation,
                     const Dropout& drop) {
  const at::Tensor intermediate_RI = activate(composite_linear(x_RH, w.intermediate), activation);
  const at::Tensor output_RH = dropout(composite_linear(intermediate_RI, w.output), drop.p, drop.key);
  return composite_norm(output_RH + x_RH, w.norm);
}

struct FeedForwardBackward : torch::autograd::Node {
  FeedForwardWeights w;
  Activation activation;
  at::Tensor x_RH, before_RI;
  ResidualNormSaved normed;

  torch::autograd::variable_list apply(torch::autograd::variable_list&& grads) override {
    const at::NoGradGuard no_grad;
    const at::Tensor grad_y_RH = grads[0].contiguous();
    const int64_t R = x_RH.size(0), I = before_RI.size(1), C = chunks_of(R);
    const auto [grad_x_RH, grad_output_RH] = residual_norm_backward(grad_y_RH, normed, w.norm, w.output.bias);

    // The activation is computed once more, which costs less than keeping it until now.
    const at::Tensor grad_RI = matrix_product(grad_output_RH, w.output.weight.detach());
    const at::Tensor after_RI = at::empty_like(before_RI);
    const at::Tensor sums_CI = at::empty({C, I}, x_RH.options());
    const BiasActivationGrad act{I,
                                 activation,
                                 data(before_RI),
                                 data_or_null(w.intermediate.bias),
                                 mutable_data(after_RI),
                                 mutable_data(grad_RI),
                                 mutable_data(sums_CI)};
    parallel_chunks(R, [&](int64_t chunk) { kernels().bias_activation_grad(act, R, chunk); });
    WeightGradient(w.output.weight).add_product(grad_output_RH, after_RI);
    WeightGradient(w.intermediate.bias).add_column_sums(data(sums_CI), C, I, I);
    WeightGradient(w.intermediate.weight).add_product(grad_RI, x_RH);
    matrix_product(grad_x_RH, grad_RI, w.intermediate.weight.detach(), /*accumulate=*/true);
    return {grad_x_RH};
  }

  void release_variables() override {
    x_RH = before_RI = at::Tensor();
    normed = {};
  }
};

at::Tensor fused_forward(const at::Tensor& x_any, const FeedForwardWeights& w, Activation activation,
                         const Dropout& drop) {
  const bool recorded = at::GradMode::is_enabled();
  const auto node =
      recorded ? c10::make_intrusive<FeedForwardBackward>() : c10::intrusive_ptr<FeedForwardBackward>();
  at::Tensor y_RH;
  {
    const at::NoGradGuard no_grad;
    const at::Tensor x_RH = x_any.detach().contiguous();
    const int64_t R = x_RH.size(0);
    const at::Tensor before_RI = linear_product(x_RH, w.intermediate);
    const int64_t I = before_RI.size(1);
    const at::Tensor after_RI = recorded ? at::empty_like(before_RI) : before_RI;
    const BiasActivation act{I, activation, data(before_RI), data_or_null(w.intermediate.bias),
                             mutable_data(after_RI)};
    parallel_rows(R, I, [&](int64_t begin, int64_t end) { kernels().bias_activation(act, begin, end); });

    y_RH = residual_norm(linear_product(after_RI, w.output), w.output.bias, x_RH, w.norm, drop,
                         recorded ? &node->normed : nullptr);
    if (recorded) {
      node->w = w;
      node->activation = activation;
      node->x_RH = x_RH;
      node->before_RI = before_RI;
    }
  }
  if (recorded) record(node, y_RH, {x_any});
  return y_RH;
}

}  // namespace

at::Tensor feed_forward_sublayer(const at::Tensor& x_RH, const FeedForwardWeights& weights,
                                 Activation activation, const Dropout& dropout, bool fused) {
  return kernels_apply(x_RH, fused) ? fused_forward(x_RH, weights, activation, dropout)
                                    : composite(x_RH, weights, activation, dropout);
}

}  // namespace finetag
