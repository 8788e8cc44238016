// Shape letters: B texts, T tokens of all texts together, R rows (T, or B first tokens), H features.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/core/batch.h"
#include "engine/ops/weights.h"

namespace finetag {

struct AttentionWeights {
  LinearWeights query_key_value;  // [3H, H], in this order
  LinearWeights output;           // [H, H]
  NormWeights norm;
};

struct AttentionOptions {
  int64_t heads;
  Dropout probabilities;
  Dropout hidden;
  /// Compute only the first token of each text: the same numbers for it, without the work for tokens that
  /// are not read.
  bool first_only;
};

/// norm(x + dropout(output(attention(x)))), `[T, H]` -> `[R, H]`: the first half of a post-LN layer (Vaswani
/// et al. 2017, 3.2), where a token attends to the tokens of its own text. `fused`: by the CPU's kernels
/// where they apply.
at::Tensor attention_sublayer(const at::Tensor& x_TH, const AttentionWeights& weights, const Batch& batch,
                              const AttentionOptions& options, bool fused);

/// Which of the batch's tables it reads; the kernels take packed texts as they are.
inline BatchTables attention_tables(bool fused) { return {.padding = !fused}; }

}  // namespace finetag
