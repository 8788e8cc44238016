// Shape letters: B texts, T tokens, S tokens of the longest text, Q queries of a text, N heads, D head size,
// H = N * D features.
#include "engine/ops/sublayer/attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string_view>
#include <tuple>

#include "engine/ops/fused.h"
#include "engine/ops/pack.h"
#include "engine/ops/random/device_seed.h"
#include "engine/ops/random/dropout.h"

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

/// Variable-length flash attention (Dao 2023), which libtorch ships for CUDA in bfloat16: it reads packed
/// texts as they are. False once a GPU has refused it: those before Ampere do.
std::atomic<bool> flash_attention_works{true};

bool suits_flash_attention(const at::Tensor& query_XH, int64_t head_size) {
  return query_XH.is_cuda() && query_XH.scalar_type() == at::kBFloat16 && head_size % 8 == 0 &&
         head_size <= 256 && flash_attention_works;
}

at::Tensor flash_attention(const at::Tensor& query_XH, const at::Tensor& key_TH, const at::Tensor& value_TH,
                           const Batch& batch, int64_t heads, const Dropout& probabilities) {
  const int64_t X = query_XH.size(0), T = batch.tokens, H = query_XH.size(1), D = H / heads;
  const bool first_only = X != T;
  const at::Tensor query_starts =
      first_only ? at::arange(batch.texts + 1, batch.cu_seqlens.options()) : batch.cu_seqlens;
  const auto run = [&] {
    return std::get<0>(at::_flash_attention_forward(query_XH.view({X, heads, D}), key_TH.view({T, heads, D}),
                                                    value_TH.view({T, heads, D}), query_starts,
                                                    batch.cu_seqlens, first_only ? 1 : batch.max_length,
                                                    batch.max_length, probabilities.p, /*is_causal=*/false,
                                                    /*return_debug_mask=*/false));
  };
  // The backward pass draws from the state that the forward pass began with.
  const at::Tensor context_XND =
      probabilities.p == 0.0 ? run() : with_device_seed(query_XH.device(), probabilities.key, run);
  return context_XND.reshape({X, H});
}

}  // namespace

at::Tensor attention(const at::Tensor& query_XH, const at::Tensor& key_TH, const at::Tensor& value_TH,
                     const Batch& batch, int64_t heads, const Dropout& probabilities) {
  const int64_t B = batch.texts, S = batch.max_length, N = heads;
  const int64_t H = query_XH.size(1), D = H / N;
  if (suits_flash_attention(query_XH, D)) {
    try {
      return flash_attention(query_XH, key_TH, value_TH, batch, heads, probabilities);
    } catch (const c10::NotImplementedError&) {
      flash_attention_works = false;
    } catch (const c10::Error& error) {
      if (std::string_view(error.what_without_backtrace()).find("only supports") == std::string_view::npos)
        throw;
      flash_attention_works = false;
    }
  }
  const bool first_only = query_XH.size(0) != batch.tokens;

  const at::Tensor key_BNDS = pad(key_TH, batch).view({B, S, N, D}).permute({0, 2, 3, 1});
  const at::Tensor value_BNSD = pad(value_TH, batch).view({B, S, N, D}).transpose(1, 2);
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
