// Shape letters: T tokens of all texts together, V rows of a table, H features.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "engine/core/batch.h"
#include "engine/ops/embedding/row_gradient.h"
#include "engine/ops/weights.h"

namespace finetag {

struct EmbeddingTable {
  at::Tensor weight;    // [V, H]
  int64_t padding_row;  // gets no gradient even where its id stands in a text, as in Hugging Face; -1: none
};

/// A table whose rows are chosen by one of the batch's arrays.
struct EmbeddingSummand {
  EmbeddingTable table;
  at::Tensor Batch::* ids_T;
};

struct EmbeddingWeights {
  EmbeddingTable words;
  /// In the order of the sum: what a family has of types, positions and tasks.
  std::vector<EmbeddingSummand> others;
  NormWeights norm;
  /// Takes the gradient of `words` in the fused op; null where the op is composite.
  std::shared_ptr<RowGradient> words_gradient;
};

/// dropout(norm(words + others)), `[T, H]` (Devlin et al. 2019). By the kernel where it applies and the words
/// have a `words_gradient`, for up to three others.
at::Tensor embed(const Batch& batch, const EmbeddingWeights& weights, const Dropout& dropout, bool fused);

}  // namespace finetag
