// Shape letters: T tokens of all texts together, H features, C chunks of rows.
#include "engine/ops/embedding/embed.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include "engine/core/error.h"
#include "engine/ops/composite.h"
#include "engine/ops/fused.h"
#include "engine/ops/gradient.h"
#include "engine/ops/random/dropout.h"

namespace finetag {

namespace {

at::Tensor composite(const Batch& batch, const EmbeddingWeights& w, const Dropout& drop) {
  at::Tensor sum_TH = at::embedding(w.words.weight, batch.ids_T, w.words.padding_row);
  for (const auto& [table, ids_T] : w.others)
    sum_TH = sum_TH + at::embedding(table.weight, batch.*ids_T, table.padding_row);
  return dropout(composite_norm(sum_TH, w.norm), drop.p, drop.key);
}

struct EmbedBackward : torch::autograd::Node {
  EmbeddingWeights w;
  DropoutMask mask;
  at::Tensor ids_T, sum_TH, mean_T, rstd_T;
  std::vector<at::Tensor> other_ids_T;  // of each of w.others

  torch::autograd::variable_list apply(torch::autograd::variable_list&& grads) override {
    const at::NoGradGuard no_grad;
    const at::Tensor grad_y_TH = grads[0].contiguous();
    const int64_t T = sum_TH.size(0), H = sum_TH.size(1), C = chunks_of(T);
    const at::Tensor grad_sum_TH = at::empty_like(sum_TH);
    const at::Tensor sums_C2H = at::empty({C, 2 * H}, sum_TH.options());
    const EmbeddingNormGrad norm{H,
                                 data(grad_y_TH),
                                 data(sum_TH),
                                 data(mean_T),
                                 data(rstd_T),
                                 data(w.norm.weight),
                                 mask,
                                 mutable_data(grad_sum_TH),
                                 mutable_data(sums_C2H)};
    parallel_chunks(T, [&](int64_t chunk) { kernels().embedding_norm_grad(norm, T, chunk); });
    WeightGradient(w.norm.weight).add_column_sums(data(sums_C2H), C, H, 2 * H);
    WeightGradient(w.norm.bias).add_column_sums(data(sums_C2H) + H, C, H, 2 * H);
    w.words_gradient->add(grad_sum_TH, ids_T, w.words.padding_row);
    for (size_t i = 0; i < w.others.size(); ++i) {
      const EmbeddingTable& table = w.others[i].table;
      WeightGradient(table.weight).add_rows(grad_sum_TH, other_ids_T[i], table.padding_row);
    }
    return {};
  }

  void release_variables() override {
    ids_T = sum_TH = mean_T = rstd_T = at::Tensor();
    other_ids_T.clear();
  }
};

at::Tensor fused_forward(const Batch& batch, const EmbeddingWeights& w, const Dropout& drop) {
  const bool recorded = at::GradMode::is_enabled();
  const auto node = recorded ? c10::make_intrusive<EmbedBackward>() : c10::intrusive_ptr<EmbedBackward>();
  at::Tensor y_TH;
  {
    const at::NoGradGuard no_grad;
    const int64_t T = batch.tokens, H = w.words.weight.size(1);
    const at::TensorOptions on_cpu = at::TensorOptions().dtype(at::kFloat);
    y_TH = at::empty({T, H}, on_cpu);
    const at::Tensor sum_TH = recorded ? at::empty({T, H}, on_cpu) : at::Tensor();
    const at::Tensor mean_T = recorded ? at::empty({T}, on_cpu) : at::Tensor();
    const at::Tensor rstd_T = recorded ? at::empty({T}, on_cpu) : at::Tensor();
    const DropoutMask mask = make_mask(drop.p, drop.key);
    EmbeddingNorm norm{H,
                       0,
                       {},
                       {},
                       data(w.norm.weight),
                       data_or_null(w.norm.bias),
                       static_cast<float>(w.norm.epsilon),
                       mask,
                       recorded ? mutable_data(sum_TH) : nullptr,
                       recorded ? mutable_data(mean_T) : nullptr,
                       recorded ? mutable_data(rstd_T) : nullptr,
                       mutable_data(y_TH)};
    const auto add = [&](const at::Tensor& table, const at::Tensor& ids_T) {
      norm.tables_VH[norm.tables] = data(table);
      norm.ids_T[norm.tables++] = ids_T.const_data_ptr<int32_t>();
    };
    add(w.words.weight, batch.ids_T);
    for (const auto& [table, ids_T] : w.others) add(table.weight, batch.*ids_T);
    parallel_rows(T, H, [&](int64_t begin, int64_t end) { kernels().embedding_norm(norm, begin, end); });
    if (recorded) {
      node->w = w;
      node->mask = mask;
      node->ids_T = batch.ids_T;
      for (const EmbeddingSummand& other : w.others) node->other_ids_T.push_back(batch.*other.ids_T);
      node->sum_TH = sum_TH;
      node->mean_T = mean_T;
      node->rstd_T = rstd_T;
    }
  }
  if (recorded) record(node, y_TH, {});
  return y_TH;
}

}  // namespace

at::Tensor embed(const Batch& batch, const EmbeddingWeights& weights, const Dropout& dropout, bool fused) {
  if (kernels_apply(weights.words.weight, fused) && weights.words_gradient != nullptr)
    return fused_forward(batch, weights, dropout);
  // The optimizer would take the gradient from where this pass does not write it.
  if (weights.words_gradient != nullptr && at::GradMode::is_enabled())
    throw Error(ErrorCode::kNative, "a word table with a gradient by rows is for the fused op alone");
  return composite(batch, weights, dropout);
}

}  // namespace finetag
