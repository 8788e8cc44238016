#pragma once

#include <cstdint>

namespace finetag {

/// Writes the [rows, columns] matrix `from` into the first `rows` columns of `to`, whose rows are `stride`
/// apart.
void transpose_matrix(const float* from, int64_t rows, int64_t columns, float* to, int64_t stride);

}  // namespace finetag
