// Small matrix products for attention: the matrices of one text and head, which stay in the first-level
// cache.
#pragma once

#include "engine/kernels/kernels.h"
#include "engine/kernels/simd/simd.h"

namespace finetag::FINETAG_ISA {

/// MR rows by NV vectors of C, held in registers.
template <int MR, int NV, typename Last>
inline void product_tile(int64_t depth, const MatrixView& a, const float* b, int64_t ldb, float* c,
                         int64_t ldc, bool accumulate, Last last) {
  F sums[MR][NV];
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      const float* from = c + i * ldc + v * kLanes;
      if (!accumulate) {
        sums[i][v] = F{};
      } else if (v + 1 < NV) {
        sums[i][v] = load(from);
      } else {
        sums[i][v] = load(from, last);
      }
    }
  }
  for (int64_t k = 0; k < depth; ++k) {
    F row[NV];
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      if (v + 1 < NV) {
        row[v] = load(b + k * ldb + v * kLanes);
      } else {
        row[v] = load(b + k * ldb + v * kLanes, last);
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < MR; ++i) {
      const float factor = a.data[i * a.row + k * a.column];
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) sums[i][v] += factor * row[v];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      if (v + 1 < NV) {
        store(c + i * ldc + v * kLanes, sums[i][v]);
      } else {
        store(c + i * ldc + v * kLanes, sums[i][v], last);
      }
    }
  }
}

template <int NV, typename Last>
inline void product_panel(int64_t rows, int64_t depth, MatrixView a, const float* b, int64_t ldb, float* c,
                          int64_t ldc, bool accumulate, Last last) {
  constexpr int kRows = NV >= 3 ? 6 : 8;
  while (rows >= kRows) {
    product_tile<kRows, NV>(depth, a, b, ldb, c, ldc, accumulate, last);
    rows -= kRows;
    a.data += kRows * a.row;
    c += kRows * ldc;
  }
  if (rows >= 4) {
    product_tile<4, NV>(depth, a, b, ldb, c, ldc, accumulate, last);
    rows -= 4;
    a.data += 4 * a.row;
    c += 4 * ldc;
  }
  if (rows >= 2) {
    product_tile<2, NV>(depth, a, b, ldb, c, ldc, accumulate, last);
    rows -= 2;
    a.data += 2 * a.row;
    c += 2 * ldc;
  }
  if (rows == 1) product_tile<1, NV>(depth, a, b, ldb, c, ldc, accumulate, last);
}

template <typename Last>
inline void product_columns(int vectors, int64_t rows, int64_t depth, const MatrixView& a, const float* b,
                            int64_t ldb, float* c, int64_t ldc, bool accumulate, Last last) {
  switch (vectors) {
    case 1:
      return product_panel<1>(rows, depth, a, b, ldb, c, ldc, accumulate, last);
    case 2:
      return product_panel<2>(rows, depth, a, b, ldb, c, ldc, accumulate, last);
    case 3:
      return product_panel<3>(rows, depth, a, b, ldb, c, ldc, accumulate, last);
    default:
      return product_panel<4>(rows, depth, a, b, ldb, c, ldc, accumulate, last);
  }
}

/// C [rows, columns] (+)= A [rows, depth] B [depth, columns]; B and C have contiguous rows.
inline void product(int64_t rows, int64_t columns, int64_t depth, const MatrixView& a, const float* b,
                    int64_t ldb, float* c, int64_t ldc, bool accumulate) {
  constexpr int64_t kPanel = 4 * kLanes;
  int64_t at = 0;
  for (; at + kPanel <= columns; at += kPanel)
    product_panel<4>(rows, depth, a, b + at, ldb, c + at, ldc, accumulate, Whole{});
  const int64_t left = columns - at;
  if (left == 0) return;
  const int vectors = static_cast<int>((left + kLanes - 1) / kLanes);
  const int64_t last = left - (vectors - 1) * kLanes;
  if (last == kLanes) {
    product_columns(vectors, rows, depth, a, b + at, ldb, c + at, ldc, accumulate, Whole{});
  } else {
    product_columns(vectors, rows, depth, a, b + at, ldb, c + at, ldc, accumulate, last);
  }
}

}  // namespace finetag::FINETAG_ISA
