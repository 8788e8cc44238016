// Shape letters: B texts, T tokens of all texts together, R rows (T, or B first tokens), H features, N heads,
// C chunks of rows.
#include "engine/ops/sublayer/attention_sublayer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/index_select.h>

#include <cstring>
#include <vector>

#include "engine/ops/composite.h"
#include "engine/ops/fused.h"
#include "engine/ops/gradient.h"
#include "engine/ops/product/linear_product.h"
#include "engine/ops/product/matrix_product.h"
#include "engine/ops/random/dropout.h"
#include "engine/ops/sublayer/attention.h"
#include "engine/ops/sublayer/residual_norm.h"

namespace finetag {

namespace {

at::Tensor composite(const at::Tensor& x_TH, const AttentionWeights& w, const Batch& batch,
                     const AttentionOptions& o) {
  const int64_t H = x_TH.size(1);
  const LinearWeights& qkv = w.query_key_value;
  at::Tensor residual_RH, query_RH, key_TH, value_TH;
  // Unbound and not narrowed: autograd then puts the gradients together in one launch.
  if (o.first_only) {
    residual_RH = at::index_select(x_TH, 0, batch.first_token_B);
    query_RH = composite_linear(residual_RH, qkv, 0, H);
    const at::Tensor both = composite_linear(x_TH, qkv, H, 2 * H);
    const std::vector<at::Tensor> parts_TH = both.view({-1, 2, H}).unbind(1);
    key_TH = parts_TH[0];
    value_TH = parts_TH[1];
  } else {
    residual_RH = x_TH;
    const at::Tensor all = composite_linear(x_TH, qkv);
    const std::vector<at::Tensor> parts_TH = all.view({-1, 3, H}).unbind(1);
    query_RH = parts_TH[0];
    key_TH = parts_TH[1];
    value_TH = parts_TH[2];
  }
  const at::Tensor context_RH = attention(query_RH, key_TH, value_TH, batch, o.heads, o.probabilities);
  const at::Tensor output_RH = dropout(composite_linear(context_RH, w.output), o.hidden.p, o.hidden.key);
  return composite_norm(output_RH + residual_RH, w.norm);
}

/// Runs body(begin, end) over pairs of text and head, split so that each thread gets about the same work.
template <typename Body>
void parallel_pairs(const Batch& batch, int64_t heads, bool first_only, const Body& body) {
  const int32_t* starts = batch.cu_seqlens.const_data_ptr<int32_t>();
  const int64_t shares = at::get_num_threads();
  const auto cost = [&](int64_t text) {
    const double length = starts[text + 1] - starts[text];
    return length * (first_only ? 1 : length + 16);
  };
  double total = 0;
  for (int64_t text = 0; text < batch.texts; ++text) total += cost(text) * static_cast<double>(heads);
  std::vector<int64_t> bounds{0};
  double done = 0;
  for (int64_t text = 0; text < batch.texts; ++text) {
    for (int64_t head = 0; head < heads; ++head) {
      done += cost(text);
      const auto next = static_cast<double>(bounds.size());
      if (done >= total * next / static_cast<double>(shares) && static_cast<int64_t>(bounds.size()) < shares)
        bounds.push_back(text * heads + head + 1);
    }
  }
  bounds.push_back(batch.texts * heads);
  at::parallel_for(0, static_cast<int64_t>(bounds.size()) - 1, 1,
                   [&](int64_t begin, int64_t end) { body(bounds[begin], bounds[end]); });
}

/// Queries, keys and values as the kernels see them: side by side, or the queries apart.
struct Projected {
  at::Tensor query_RH;
  at::Tensor key_value;  // [T, 3H], of which the first H are the queries; or [T, 2H]
  bool first_only;

  int64_t features() const { return query_RH.size(1); }
  int64_t query_stride() const { return query_RH.stride(0); }
  int64_t key_value_stride() const { return key_value.stride(0); }
  int64_t offset() const { return first_only ? 0 : features(); }
  float* query() const { return mutable_data(query_RH); }
  float* keys() const { return mutable_data(key_value) + offset(); }
};

Projected allocate_projected(int64_t tokens, int64_t texts, int64_t H, bool first_only,
                             const at::TensorOptions& options) {
  if (first_only) return {at::empty({texts, H}, options), at::empty({tokens, 2 * H}, options), true};
  const at::Tensor all_T3H = at::empty({tokens, 3 * H}, options);
  return {all_T3H.narrow(1, 0, H), all_T3H, false};
}

Projected project(const at::Tensor& x_TH, const at::Tensor& residual_RH, const LinearWeights& qkv,
                  bool first_only) {
  const int64_t H = x_TH.size(1);
  if (first_only) return {linear_product(residual_RH, qkv, 0, H), linear_product(x_TH, qkv, H, 2 * H), true};
  const at::Tensor all_T3H = linear_product(x_TH, qkv);
  return {all_T3H.narrow(1, 0, H), all_T3H, false};
}

struct AttentionBackward : torch::autograd::Node {
  AttentionWeights w;
  Batch batch;
  AttentionOptions o;
  DropoutMask probabilities;
  at::Tensor x_TH, residual_RH, context_RH, lse_RN;
  Projected projected;
  ResidualNormSaved normed;

  torch::autograd::variable_list apply(torch::autograd::variable_list&& grads) override {
    const at::NoGradGuard no_grad;
    const at::Tensor grad_y_RH = grads[0].contiguous();
    const int64_t R = context_RH.size(0), T = x_TH.size(0), H = x_TH.size(1);
    const auto [grad_residual_RH, grad_output_RH] =
        residual_norm_backward(grad_y_RH, normed, w.norm, w.output.bias);
    WeightGradient(w.output.weight).add_product(grad_output_RH, context_RH);
    const at::Tensor grad_context_RH = matrix_product(grad_output_RH, w.output.weight.detach());

    const Projected grad = allocate_projected(T, batch.texts, H, o.first_only, x_TH.options());
    const AttentionGrad attention{o.heads,
                                  H / o.heads,
                                  batch.cu_seqlens.const_data_ptr<int32_t>(),
                                  o.first_only,
                                  projected.query(),
                                  projected.query_stride(),
                                  projected.keys(),
                                  projected.key_value_stride(),
                                  probabilities,
                                  data(lse_RN),
                                  data(grad_context_RH),
                                  grad.query(),
                                  grad.keys()};
    parallel_pairs(batch, o.heads, o.first_only,
                   [&](int64_t begin, int64_t end) { kernels().attention_grad(attention, begin, end); });

    const at::Tensor weight_3HH = w.query_key_value.weight.detach();
    WeightGradient bias_gradient(w.query_key_value.bias), weight_gradient(w.query_key_value.weight);
    if (!o.first_only) {
      bias_gradient.add_column_sums(grad.query(), T, 3 * H, 3 * H);
      weight_gradient.add_product(grad.key_value, x_TH);
      matrix_product(grad_residual_RH, grad.key_value, weight_3HH, /*accumulate=*/true);
      return {grad_residual_RH};
    }
    bias_gradient.add_column_sums(grad.query(), R, H, H);
    bias_gradient.add_column_sums(grad.keys(), T, 2 * H, 2 * H, H);
    weight_gradient.add_product(grad.query_RH, residual_RH);
    weight_gradient.add_product(grad.key_value, x_TH, H);
    at::Tensor grad_x_TH = matrix_product(grad.key_value, weight_3HH.narrow(0, H, 2 * H));
    matrix_product(grad_residual_RH, grad.query_RH, weight_3HH.narrow(0, 0, H), /*accumulate=*/true);
    grad_x_TH.index_add_(0, batch.first_token_B, grad_residual_RH);
    return {grad_x_TH};
  }

  void release_variables() override {
    x_TH = residual_RH = context_RH = lse_RN = at::Tensor();
    projected = {};
    normed = {};
  }
};

at::Tensor fused_forward(const at::Tensor& x_any, const AttentionWeights& w, const Batch& batch,
                         const AttentionOptions& o) {
  const bool recorded = at::GradMode::is_enabled();
  const auto node =
      recorded ? c10::make_intrusive<AttentionBackward>() : c10::intrusive_ptr<AttentionBackward>();
  at::Tensor y_RH;
  {
    const at::NoGradGuard no_grad;
    const at::Tensor x_TH = x_any.detach().contiguous();
    const int64_t H = x_TH.size(1);
    const at::TensorOptions on_cpu = x_TH.options();
    const at::Tensor residual_RH = o.first_only ? at::index_select(x_TH, 0, batch.first_token_B) : x_TH;
    const int64_t R = residual_RH.size(0);

    const Projected projected = project(x_TH, residual_RH, w.query_key_value, o.first_only);
    const DropoutMask probabilities = make_mask(o.probabilities.p, o.probabilities.key);
    const at::Tensor context_RH = at::empty({R, H}, on_cpu);
    const at::Tensor lse_RN = recorded ? at::empty({R, o.heads}, on_cpu) : at::Tensor();
    const float* bias = data_or_null(w.query_key_value.bias);
    const Attention attention{o.heads,
                              H / o.heads,
                              batch.cu_seqlens.const_data_ptr<int32_t>(),
                              o.first_only,
                              projected.query(),
                              projected.query_stride(),
                              projected.keys(),
                              projected.key_value_stride(),
                              bias,
                              bias != nullptr ? bias + H : nullptr,
                              probabilities,
                              recorded ? mutable_data(lse_RN) : nullptr,
                              mutable_data(context_RH)};
    parallel_pairs(batch, o.heads, o.first_only,
                   [&](int64_t begin, int64_t end) { kernels().attention(attention, begin, end); });

    y_RH = residual_norm(linear_product(context_RH, w.output), w.output.bias, residual_RH, w.norm, o.hidden,
                         recorded ? &node->normed : nullptr);
    if (recorded) {
      node->w = w;
      node->batch = batch;
      node->o = o;
      node->probabilities = probabilities;
      node->x_TH = x_TH;
      node->residual_RH = residual_RH;
      node->context_RH = context_RH;
      node->lse_RN = lse_RN;
      node->projected = projected;
    }
  }
  if (recorded) record(node, y_RH, {x_any});
  return y_RH;
}

}  // namespace

at::Tensor attention_sublayer(const at::Tensor& x_TH, const AttentionWeights& weights, const Batch& batch,
                              const AttentionOptions& options, bool fused) {
  return kernels_apply(x_TH, fused) ? fused_forward(x_TH, weights, batch, options)
                                    : composite(x_TH, weights, batch, options);
}

}  // namespace finetag
