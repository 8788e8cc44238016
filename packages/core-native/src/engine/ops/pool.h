// Shape letters: B texts, T tokens of all texts together, R rows (T, or B first tokens), H features.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/core/batch.h"

namespace finetag {

/// How the hidden states of a text become the one vector that its head reads.
enum class Pooling { kFirstToken, kMean, kMax };

/// Whether all that is read of the hidden states is the first token of each text, so that the last layer may
/// leave out the others.
inline bool reads_first_only(Pooling pooling) { return pooling == Pooling::kFirstToken; }

/// Which of the batch's tables pooling reads.
inline BatchTables tables_of(Pooling pooling) { return {.padding = pooling != Pooling::kFirstToken}; }

/// `[R, H]` -> `[B, H]`: the first token of each text (as it is where R is B already), or the mean or the
/// largest value of each feature over the text's own tokens. Of two equal largest values, one takes the
/// gradient. A mean is float32. Plain ATen operators, for any device.
at::Tensor pool(const at::Tensor& x_RH, const Batch& batch, Pooling pooling);

}  // namespace finetag
