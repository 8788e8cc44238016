// Shape letters: B texts, T tokens, S tokens of the longest text, Q queries of a text, N heads, D head size,
// H = N * D features.
#include "engine/ops/attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "engine/ops/dropout.h"
#include "engine/ops/fused.h"
#include "engine/ops/pack.h"

namespace finetag {

namespace {

at::Tensor drop(const at::Tensor& weights_BNQS, const Batch& batch, const Dropout& probabilities) {
  if (probabilities.p == 0.0) return weights_BNQS;
  if (!weights_BNQS.is_cpu()) return dropout(weights_BNQS, probabilities.p, probabilities.key);
  const int64_t N = weights_BNQS.size(1), Q = weights_BNQS.size(2);
  const DropoutMask mask = make_mask(probabilities.p, probabilities.key);
  const at::Tensor factors_BNQS = at::zeros(weights_BNQS.sizes(), at::kFloat);
  const int32_t* starts = batch.cu_seqlens.const_data_ptr<int32_t>();
  for (int64_t b = 0; b < batch.texts; ++b) {
    const int64_t keys = starts[b + 1] - starts[b], queries = std::min(Q, keys);
    const at::Tensor factors = at::empty({queries, keys}, at::kFloat);
    for (int64_t n = 0; n < N; ++n) {
      kernels().attention_factors(mask, b * N + n, queries * keys, mutable_data(factors));
      factors_BNQS[b][n].narrow(0, 0, queries).narrow(1, 0, keys).copy_(factors);
    }
  }
  return weights_BNQS * factors_BNQS.to(weights_BNQS.scalar_type());
}

}  // namespace

at::Tensor attention(const at::Tensor& query_XH, const at::Tensor& key_value_T2H, const Batch& batch,
                     int64_t heads, const Dropout& probabilities) {
  const int64_t B = batch.texts, S = batch.max_length, N = heads;
  const int64_t H = query_XH.size(1), D = H / N;
  const bool first_only = query_XH.size(0) != batch.tokens;

  const at::Tensor key_value_2BNSD = pad(key_value_T2H, batch).view({B, S, 2, N, D}).permute({2, 0, 3, 1, 4});
  const at::Tensor key_BNDS = key_value_2BNSD.select(0, 0).transpose(-1, -2);
  const at::Tensor value_BNSD = key_value_2BNSD.select(0, 1);
  const at::Tensor query_BQH = first_only ? query_XH.unsqueeze(1) : pad(query_XH, batch);
  const at::Tensor query_BNQD = query_BQH.view({B, -1, N, D}).transpose(1, 2);

  at::Tensor scores_BNQS = at::matmul(query_BNQD, key_BNDS) * (1.0 / std::sqrt(static_cast<double>(D)));
  if (batch.key_bias_B11S.defined())
    scores_BNQS = scores_BNQS + batch.key_bias_B11S.to(scores_BNQS.scalar_type());
  const at::Tensor weights_BNQS =
      drop(at::softmax(scores_BNQS, -1).to(value_BNSD.scalar_type()), batch, probabilities);
  const at::Tensor context_BQH = at::matmul(weights_BNQS, value_BNSD).transpose(1, 2).reshape({B, -1, H});
  return first_only ? context_BQH.squeeze(1) : unpad(context_BQH, batch);
}

}  // namespace finetag
