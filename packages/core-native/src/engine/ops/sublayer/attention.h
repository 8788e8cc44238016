// Shape letters: B texts, T tokens of all texts together, H features.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/core/batch.h"
#include "engine/ops/weights.h"

namespace finetag {

/// Scaled dot-product self-attention inside each text (Vaswani et al. 2017, 3.2), with dropout on the
/// attention probabilities. `query_XH` is `[T, H]`, or `[B, H]` when only first tokens ask. Returns the shape
/// of the queries. Out of plain ATen operators over padded texts: for any device, and the reference of the
/// CPU's kernel, whose dropout mask it draws there.
at::Tensor attention(const at::Tensor& query_XH, const at::Tensor& key_TH, const at::Tensor& value_TH,
                     const Batch& batch, int64_t heads, const Dropout& probabilities);

}  // namespace finetag
