// Shape letters: B texts, T tokens of all texts together, S tokens of the longest text, H features.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/core/batch.h"

namespace finetag {

/// `[T, H]` -> `[B, S, H]`. Padded slots repeat token 0: the caller masks them, and their gradient must be
/// zero (it is, behind a softmax over masked keys), since the backward pass does not look at them. Reads
/// BatchTables::padding.
at::Tensor pad(const at::Tensor& x_TH, const Batch& batch);

/// `[B, S, H]` -> `[T, H]`; padded slots are dropped, their gradient is zero.
at::Tensor unpad(const at::Tensor& x_BSH, const Batch& batch);

}  // namespace finetag
