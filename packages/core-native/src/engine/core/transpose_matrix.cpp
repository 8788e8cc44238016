#include "engine/core/transpose_matrix.h"

#include <algorithm>
#include <cstring>

namespace finetag {

namespace {

/// Elements of a line of the cache: each is then read and written as a whole.
constexpr int64_t kTile = 16;

void transpose_tile(const float* from, int64_t columns, float* to, int64_t stride) {
  float tile[kTile][kTile];
  for (int64_t i = 0; i < kTile; ++i)
    for (int64_t j = 0; j < kTile; ++j) tile[j][i] = from[i * columns + j];
  for (int64_t j = 0; j < kTile; ++j) std::memcpy(to + j * stride, tile[j], sizeof tile[j]);
}

}  // namespace

void transpose_matrix(const float* from, int64_t rows, int64_t columns, float* to, int64_t stride) {
  for (int64_t top = 0; top < rows; top += kTile) {
    const int64_t bottom = std::min(top + kTile, rows);
    for (int64_t left = 0; left < columns; left += kTile) {
      const int64_t right = std::min(left + kTile, columns);
      if (bottom - top == kTile && right - left == kTile) {
        transpose_tile(from + top * columns + left, columns, to + left * stride + top, stride);
        continue;
      }
      for (int64_t i = top; i < bottom; ++i)
        for (int64_t j = left; j < right; ++j) to[j * stride + i] = from[i * columns + j];
    }
  }
}

}  // namespace finetag
