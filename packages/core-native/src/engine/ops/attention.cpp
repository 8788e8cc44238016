// Shape letters: B texts, T tokens, S tokens of the longest text, Q queries of a text, N heads, D head size,
// H = N * D features.
#include "engine/ops/attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>

#include <cmath>

#include "engine/ops/pack.h"

namespace finetag {

at::Tensor attention(const at::Tensor& query_XH, const at::Tensor& key_value_T2H, const Batch& batch,
                     const AttentionOptions& options) {
  const int64_t B = batch.texts, S = batch.max_length, N = options.heads;
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
      dropout(at::softmax(scores_BNQS, -1).to(value_BNSD.scalar_type()), options.dropout, options.key);
  const at::Tensor context_BQH = at::matmul(weights_BNQS, value_BNSD).transpose(1, 2).reshape({B, -1, H});
  return first_only ? context_BQH.squeeze(1) : unpad(context_BQH, batch);
}

}  // namespace finetag
