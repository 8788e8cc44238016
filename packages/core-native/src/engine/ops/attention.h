// Shape letters: B texts, T tokens of all texts together, H features.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/core/batch.h"
#include "engine/ops/dropout.h"

namespace finetag {

struct AttentionOptions {
  int64_t heads;
  double dropout;  // 0 outside training
  DropoutKey key;
};

/// Scaled dot-product self-attention inside each text (Vaswani et al. 2017, 3.2), with dropout on the
/// attention probabilities. `query_XH` is `[T, H]`, or `[B, H]` when only first tokens ask;
/// `key_value_T2H` holds keys and values side by side. Returns the shape of the queries.
at::Tensor attention(const at::Tensor& query_XH, const at::Tensor& key_value_T2H, const Batch& batch,
                     const AttentionOptions& options);

}  // namespace finetag
