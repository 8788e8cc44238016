#pragma once

#include "engine/kernels/simd/simd.h"

namespace finetag::FINETAG_ISA {

/// a0 b0 a1 b1 …: the first or the second half of two vectors, interleaved.
template <int From>
inline F zip(F a, F b) {
  constexpr int kFirst = From * kLanes / 2;
  I order;
  for (int i = 0; i < kLanes; ++i) order[i] = kFirst + i / 2 + (i % 2) * kLanes;
  return __builtin_shuffle(a, b, order);
}

/// Transposes W vectors in registers, [W][kLanes] -> [kLanes][W]. Each pass moves the highest bit of an
/// element's index, which belongs to its row, to the lowest place.
template <int W>
inline __attribute__((always_inline)) void transpose(F (&x)[W]) {
#pragma GCC unroll 4
  for (int pass = 1; pass < W; pass *= 2) {
    F y[W];
#pragma GCC unroll 8
    for (int i = 0; i < W / 2; ++i) {
      y[2 * i] = zip<0>(x[i], x[i + W / 2]);
      y[2 * i + 1] = zip<1>(x[i], x[i + W / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < W; ++i) x[i] = y[i];
  }
}

/// Packs the transpose of `rows` (at most W) rows of `from`, each contiguous along the depth:
/// out[k * stride + row], zeros where there is no row. Where W is not kLanes, the stride is W.
template <int W>
void pack_transposed(const float* from, int64_t row_stride, int64_t rows, int64_t depth, float* out,
                     int64_t stride) {
  int64_t k = 0;
  for (; k + kLanes <= depth; k += kLanes) {
    F x[W];
#pragma GCC unroll 16
    for (int i = 0; i < W; ++i) x[i] = i < rows ? load(from + i * row_stride + k) : F{};
    transpose(x);
#pragma GCC unroll 16
    for (int i = 0; i < W; ++i) {
      // A panel of W rows takes the vectors as they are; a wider one, where W is kLanes, one for each k.
      if constexpr (W == kLanes) {
        store(out + (k + i) * stride, x[i]);
      } else {
        store(out + k * W + i * kLanes, x[i]);
      }
    }
  }
  for (; k < depth; ++k) {
    for (int i = 0; i < W; ++i) out[k * stride + i] = i < rows ? from[i * row_stride + k] : 0;
  }
}

}  // namespace finetag::FINETAG_ISA
