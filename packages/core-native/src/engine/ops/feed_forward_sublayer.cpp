// Shape letters: R rows (tokens, or first tokens), H features, I intermediate features, C chunks of rows.
#include "engine/ops/feed_forward_sublayer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>

#include "engine/ops/activate.h"
#include "engine/ops/dropout.h"
#include "engine/ops/fused.h"
#include "engine/ops/gradient.h"
#include "engine/ops/linear_product.h"
#include "engine/ops/matrix_product.h"

namespace finetag {

namespace {

at::Tensor composite(const at::Tensor& x_RH, const FeedForwardWeights& w, Activation activation,
                     const Dropout& drop) {
  const at::Tensor intermediate_RI =
      activate(at::linear(x_RH, w.intermediate.weight, w.intermediate.bias), activation);
  const at::Tensor output_RH =
      dropout(at::linear(intermediate_RI, w.output.weight, w.output.bias), drop.p, drop.key);
  return at::layer_norm(output_RH + x_RH, {x_RH.size(1)}, w.norm.weight, w.norm.bias, w.norm.epsilon);
}

struct Backward : torch::autograd::Node {
  FeedForwardWeights w;
  Activation activation;
  DropoutMask mask;
  at::Tensor x_RH, before_RI, sum_RH, mean_R, rstd_R;

  torch::autograd::variable_list apply(torch::autograd::variable_list&& grads) override {
    const at::NoGradGuard no_grad;
    const at::Tensor grad_y_RH = grads[0].contiguous();
    const int64_t R = x_RH.size(0), H = x_RH.size(1), I = before_RI.size(1), C = chunks_of(R);

    at::Tensor grad_x_RH = at::empty_like(sum_RH);
    const at::Tensor grad_output_RH = mask.threshold != 0 ? at::empty_like(sum_RH) : grad_x_RH;
    const at::Tensor sums_C3H = at::empty({C, 3 * H}, sum_RH.options());
    const ResidualNormGrad norm{H,
                                data(grad_y_RH),
                                data(sum_RH),
                                data(mean_R),
                                data(rstd_R),
                                data(w.norm.weight),
                                mask,
                                mutable_data(grad_x_RH),
                                mutable_data(grad_output_RH),
                                mutable_data(sums_C3H)};
    parallel_chunks(R, [&](int64_t chunk) { kernels().residual_norm_grad(norm, R, chunk); });
    const float* sums = data(sums_C3H);
    WeightGradient(w.norm.weight).add_column_sums(sums, C, H, 3 * H);
    WeightGradient(w.norm.bias).add_column_sums(sums + H, C, H, 3 * H);
    WeightGradient(w.output.bias).add_column_sums(sums + 2 * H, C, H, 3 * H);

    // The activation is computed once more, which costs less than keeping it until now.
    const at::Tensor grad_RI = matrix_product(grad_output_RH, w.output.weight.detach());
    const at::Tensor after_RI = at::empty_like(before_RI);
    const at::Tensor sums_CI = at::empty({C, I}, sum_RH.options());
    const BiasActivationGrad act{I,
                                 activation,
                                 data(before_RI),
                                 data(w.intermediate.bias),
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

  void release_variables() override { x_RH = before_RI = sum_RH = mean_R = rstd_R = at::Tensor(); }
};

at::Tensor fused_forward(const at::Tensor& x_any, const FeedForwardWeights& w, Activation activation,
                         const Dropout& drop) {
  const bool recorded = at::GradMode::is_enabled();
  const auto node = recorded ? c10::make_intrusive<Backward>() : c10::intrusive_ptr<Backward>();
  at::Tensor y_RH;
  {
    const at::NoGradGuard no_grad;
    const at::Tensor x_RH = x_any.detach().contiguous();
    const int64_t R = x_RH.size(0), H = x_RH.size(1);
    const at::Tensor before_RI = linear_product(x_RH, w.intermediate);
    const int64_t I = before_RI.size(1);
    const at::Tensor after_RI = recorded ? at::empty_like(before_RI) : before_RI;
    const BiasActivation act{I, activation, data(before_RI), data(w.intermediate.bias),
                             mutable_data(after_RI)};
    parallel_rows(R, I, [&](int64_t begin, int64_t end) { kernels().bias_activation(act, begin, end); });

    const at::Tensor sum_RH = linear_product(after_RI, w.output);
    y_RH = recorded ? at::empty_like(sum_RH) : sum_RH;
    const at::Tensor mean_R = recorded ? at::empty({R}, sum_RH.options()) : at::Tensor();
    const at::Tensor rstd_R = recorded ? at::empty({R}, sum_RH.options()) : at::Tensor();
    const DropoutMask mask = make_mask(drop.p, drop.key);
    const ResidualNorm norm{H,
                            data(sum_RH),
                            data(w.output.bias),
                            data(x_RH),
                            data(w.norm.weight),
                            data(w.norm.bias),
                            static_cast<float>(w.norm.epsilon),
                            mask,
                            recorded ? mutable_data(sum_RH) : nullptr,
                            recorded ? mutable_data(mean_R) : nullptr,
                            recorded ? mutable_data(rstd_R) : nullptr,
                            mutable_data(y_RH)};
    parallel_rows(R, H, [&](int64_t begin, int64_t end) { kernels().residual_norm(norm, begin, end); });
    if (recorded) {
      node->w = w;
      node->activation = activation;
      node->mask = mask;
      node->x_RH = x_RH;
      node->before_RI = before_RI;
      node->sum_RH = sum_RH;
      node->mean_R = mean_R;
      node->rstd_R = rstd_R;
    }
  }
  if (recorded) record(node, y_RH, {x_any});
  return y_RH;
}

}  // namespace

at::Tensor feed_forward_sublayer(const at::Tensor& x_RH, const FeedForwardWeights& weights,
                                 Activation activation, const Dropout& dropout, bool fused) {
  return fused ? fused_forward(x_RH, weights, activation, dropout)
               : composite(x_RH, weights, activation, dropout);
}

}  // namespace finetag
