// The product of two matrices, by the scheme of Goto and van de Geijn (2008, "Anatomy of High-Performance
// Matrix Multiplication"): tiles of C are summed in registers; A and B are first packed into panels, in which
// a tile finds its operands side by side, whatever way the matrices lie. The depth is cut into blocks, so
// that a panel of A stays in the first-level cache and a block of B in the second.
#include <algorithm>
#include <cstring>

#include "engine/kernels/functions.h"
#include "engine/kernels/scratch.h"
#include "engine/kernels/simd.h"
#include "engine/kernels/tile.h"

namespace finetag::FINETAG_ISA {

namespace {

constexpr int kRows = kTileRows, kColumns = kTileColumns;
constexpr int64_t kMostDepth = 384;
constexpr int64_t kRowPanelsAtOnce = 4;

/// The same number of depth blocks as needed, but as even as can be.
int64_t depth_block(int64_t depth) {
  const int64_t blocks = (depth + kMostDepth - 1) / kMostDepth;
  return (depth + blocks - 1) / blocks;
}

/// a0 b0 a1 b1 …: the first or the second half of two vectors, in turns.
template <int From>
inline F zip(F a, F b) {
  constexpr int kFirst = From * kLanes / 2;
  I order;
  for (int i = 0; i < kLanes; ++i) order[i] = kFirst + i / 2 + (i % 2) * kLanes;
  return __builtin_shuffle(a, b, order);
}

/// Turns rows [W][kLanes] around: afterwards the same memory is [kLanes][W]. Each pass takes the highest bit
/// of an element's place, which is its row's, to the lowest.
template <int W>
inline __attribute__((always_inline)) void turn(F (&x)[W]) {
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

/// Packs `rows` (at most W) rows of `from` that are contiguous along the depth: out[k * stride + row].
template <int W>
void pack_turned(const float* from, int64_t row_stride, int64_t rows, int64_t depth, float* out,
                 int64_t stride) {
  int64_t k = 0;
  for (; k + kLanes <= depth; k += kLanes) {
    F x[W];
#pragma GCC unroll 16
    for (int i = 0; i < W; ++i) x[i] = i < rows ? load(from + i * row_stride + k) : F{};
    turn(x);
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

/// Packs `rows` rows of `a`, that is of panels of kRows each, for `depth` k: a panel is [depth][kRows], with
/// zeros in rows that A has not.
void pack_rows(const MatrixView& a, int64_t rows, int64_t depth, float* out) {
  if (a.row != 1) {
    for (int64_t row = 0; row < rows; row += kRows)
      pack_turned<kRows>(a.data + row * a.row, a.row, std::min<int64_t>(kRows, rows - row), depth,
                         out + row * depth, kRows);
    return;
  }
  // Panels side by side, so that whole cache lines of A are read.
  for (int64_t first = 0; first < rows; first += kRowPanelsAtOnce * kRows) {
    const int64_t end = std::min(first + kRowPanelsAtOnce * kRows, rows);
    for (int64_t k = 0; k < depth; ++k) {
      const float* from = a.data + k * a.column;
      int64_t row = first;
      for (; row + kRows <= end; row += kRows)
        std::memcpy(out + row * depth + k * kRows, from + row, kRows * sizeof(float));
      if (row == end) continue;
      for (int i = 0; i < kRows; ++i) out[row * depth + k * kRows + i] = row + i < end ? from[row + i] : 0;
    }
  }
}

/// Packs `columns` (at most kColumns) columns of b for `depth` k: [depth][vectors of them], zeros behind.
void pack_columns(const MatrixView& b, int64_t columns, int64_t depth, float* out) {
  const int64_t width = round_up(columns, kLanes);
  if (b.column != 1) {
    for (int64_t at = 0; at < columns; at += kLanes)
      pack_turned<kLanes>(b.data + at * b.column, b.column, std::min<int64_t>(kLanes, columns - at), depth,
                          out + at, width);
    return;
  }
  for (int64_t k = 0; k < depth; ++k)
    for_each_vector(
        columns, [&](int64_t at, auto n) { store(out + k * width + at, load(b.data + k * b.row + at, n)); });
}

/// C [rows, NV vectors] (+)= panel of A times panel of B; `last` columns of the last vector are C's.
template <int NV, typename Last>
void tile(int64_t depth, const float* a, const float* b, float* c, int64_t stride, int64_t rows, bool add,
          Last last) {
  F sums[kRows][NV] = {};
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
    if (i < rows) {
#pragma GCC unroll 3
      for (int v = 0; v < NV; ++v) __builtin_prefetch(c + i * stride + v * kLanes, 1);
    }
  }
#pragma GCC unroll 4
  for (int64_t k = 0; k < depth; ++k) {
    F row[NV];
#pragma GCC unroll 3
    for (int v = 0; v < NV; ++v) row[v] = load(b + (k * NV + v) * kLanes);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      const F factor = broadcast(a[k * kRows + i]);
#pragma GCC unroll 3
      for (int v = 0; v < NV; ++v) sums[i][v] += factor * row[v];
    }
  }
  const auto put = [&](float* to, F sum, auto n) { store(to, add ? load(to, n) + sum : sum, n); };
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
    if (i >= rows) break;
#pragma GCC unroll 3
    for (int v = 0; v + 1 < NV; ++v) put(c + i * stride + v * kLanes, sums[i][v], Whole{});
    put(c + i * stride + (NV - 1) * kLanes, sums[i][NV - 1], last);
  }
}

template <typename Last>
void tile_of(int64_t vectors, int64_t depth, const float* a, const float* b, float* c, int64_t stride,
             int64_t rows, bool add, Last last) {
  if (vectors == 3) return tile<3>(depth, a, b, c, stride, rows, add, last);
  if (vectors == 2) return tile<2>(depth, a, b, c, stride, rows, add, last);
  tile<1>(depth, a, b, c, stride, rows, add, last);
}

}  // namespace

void pack_product(const MatrixProduct& p, int64_t begin, int64_t end, float* packed) {
  const int64_t panels = (p.rows + kRows - 1) / kRows, block = depth_block(p.depth);
  const int64_t first = begin * kRows, rows = std::min(end * kRows, p.rows) - first;
  for (int64_t k = 0; k < p.depth; k += block) {
    const int64_t depth = std::min(block, p.depth - k);
    const MatrixView a{p.a.data + first * p.a.row + k * p.a.column, p.a.row, p.a.column};
    pack_rows(a, rows, depth, packed + k * panels * kRows + first * depth);
  }
}

void matrix_product(const MatrixProduct& p, const float* packed, const ProductPart& part) {
  thread_local Scratch scratch;
  const int64_t panels = (p.rows + kRows - 1) / kRows, block = depth_block(p.depth);
  const int64_t column_end = std::min(part.column_end, p.columns);
  float* b = scratch.at_least(round_up(column_end - part.column_begin, kLanes) * block);
  for (int64_t k = 0; k < p.depth; k += block) {
    const int64_t depth = std::min(block, p.depth - k);
    const bool add = p.accumulate || k > 0;
    for (int64_t column = part.column_begin; column < column_end; column += kColumns)
      pack_columns({p.b.data + k * p.b.row + column * p.b.column, p.b.row, p.b.column},
                   std::min<int64_t>(kColumns, column_end - column), depth,
                   b + (column - part.column_begin) * depth);
    for (int64_t panel = part.panel_begin; panel < part.panel_end; ++panel) {
      const float* a = packed + (k * panels + panel * depth) * kRows;
      const int64_t rows = std::min<int64_t>(kRows, p.rows - panel * kRows);
      for (int64_t column = part.column_begin; column < column_end; column += kColumns) {
        const int64_t left = std::min<int64_t>(kColumns, column_end - column);
        const int64_t vectors = (left + kLanes - 1) / kLanes, last = left - (vectors - 1) * kLanes;
        const float* from = b + (column - part.column_begin) * depth;
        float* c = p.c + panel * kRows * p.c_stride + column;
        if (last == kLanes) {
          tile_of(vectors, depth, a, from, c, p.c_stride, rows, add, Whole{});
        } else {
          tile_of(vectors, depth, a, from, c, p.c_stride, rows, add, last);
        }
      }
    }
  }
}

}  // namespace finetag::FINETAG_ISA
