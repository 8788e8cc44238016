// Shape letters: B texts, T tokens of all texts together, S tokens of the longest text, H features.
#include "engine/ops/pool.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/max.h>

#include <limits>
#include <tuple>

#include "engine/ops/pack.h"

namespace finetag {

namespace {

/// `[B, S, H]` with `value` at padding, which so has no gradient, as `pad` asks for.
at::Tensor padded_with(double value, const at::Tensor& x_TH, const Batch& batch) {
  const at::Tensor x_BSH = pad(x_TH, batch);
  if (!batch.is_ragged()) return x_BSH;
  return x_BSH.masked_fill(batch.key_bias_B11S.view({batch.texts, batch.max_length, 1}).ne(0), value);
}

at::Tensor mean(const at::Tensor& x_TH, const Batch& batch) {
  const int64_t B = batch.texts;
  const at::Tensor length_B1 =
      (batch.cu_seqlens.narrow(0, 1, B) - batch.cu_seqlens.narrow(0, 0, B)).view({B, 1});
  return padded_with(0, x_TH, batch).sum(1, /*keepdim=*/false, at::kFloat) / length_B1;
}

at::Tensor largest(const at::Tensor& x_TH, const Batch& batch) {
  constexpr double kLowest = -std::numeric_limits<double>::infinity();
  return std::get<0>(at::max(padded_with(kLowest, x_TH, batch), /*dim=*/1));
}

}  // namespace

at::Tensor pool(const at::Tensor& x_RH, const Batch& batch, Pooling pooling) {
  switch (pooling) {
    case Pooling::kMean:
      return mean(x_RH, batch);
    case Pooling::kMax:
      return largest(x_RH, batch);
    case Pooling::kFirstToken:
      break;
  }
  return x_RH.size(0) == batch.texts ? x_RH : at::index_select(x_RH, 0, batch.first_token_B);
}

}  // namespace finetag
