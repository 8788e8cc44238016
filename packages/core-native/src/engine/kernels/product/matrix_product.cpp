// The product of two matrices, by the scheme of Goto and van de Geijn (2008, "Anatomy of High-Performance
// Matrix Multiplication"): tiles of C are summed in registers; B is first packed into panels, in which a tile
// finds its operands side by side, and so is an A that lies by columns. One that lies by rows is read as it
// lies: a tile takes single factors of it, each row's one after the other. The depth is cut into blocks, so
// that a panel of A stays in the first-level cache and a block of B in the second.
#include <algorithm>
#include <cstring>

#include "engine/kernels/functions.h"
#include "engine/kernels/product/tile.h"
#include "engine/kernels/simd/scratch.h"
#include "engine/kernels/simd/simd.h"
#include "engine/kernels/simd/transpose.h"

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

/// Packs `rows` rows of `a`, that is of panels of kRows each, for `depth` k: a panel is [depth][kRows], with
/// zeros in rows that A has not.
void pack_rows(const MatrixView& a, int64_t rows, int64_t depth, float* out) {
  if (a.row != 1) {
    for (int64_t row = 0; row < rows; row += kRows)
      pack_transposed<kRows>(a.data + row * a.row, a.row, std::min<int64_t>(kRows, rows - row), depth,
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
      pack_transposed<kLanes>(b.data + at * b.column, b.column, std::min<int64_t>(kLanes, columns - at),
                              depth, out + at, width);
    return;
  }
  for (int64_t k = 0; k < depth; ++k)
    for_each_vector(
        columns, [&](int64_t at, auto n) { store(out + k * width + at, load(b.data + k * b.row + at, n)); });
}

/// kRows rows of A as pack_rows leaves them.
struct PackedPanel {
  const float* data;
  float at(int row, int64_t k) const { return data[k * kRows + row]; }
};

/// kRows rows of A as they lie. Two pointers, so that no address needs a multiplication or a register of its
/// own.
struct RowsPanel {
  RowsPanel(const float* data, int64_t stride) : near(data), far(data + kRows / 2 * stride), stride(stride) {}
  const float *near, *far;
  int64_t stride;
  float at(int row, int64_t k) const {
    return row < kRows / 2 ? near[row * stride + k] : far[(row - kRows / 2) * stride + k];
  }
};

/// C [rows, NV vectors] (+)= panel of A times panel of B; `last` columns of the last vector are C's.
template <int NV, typename Panel, typename Last>
void tile(int64_t depth, const Panel& a, const float* b, float* c, int64_t stride, int64_t rows, bool add,
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
      const F factor = broadcast(a.at(i, k));
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

template <typename Panel, typename Last>
void tile_of(int64_t vectors, int64_t depth, const Panel& a, const float* b, float* c, int64_t stride,
             int64_t rows, bool add, Last last) {
  if (vectors == 3) return tile<3>(depth, a, b, c, stride, rows, add, last);
  if (vectors == 2) return tile<2>(depth, a, b, c, stride, rows, add, last);
  tile<1>(depth, a, b, c, stride, rows, add, last);
}

/// `rows` rows and `columns` columns of C, of one panel of A and a block of B.
template <typename Panel>
void row_of_tiles(int64_t columns, int64_t depth, const Panel& a, const float* b, float* c, int64_t stride,
                  int64_t rows, bool add) {
  for (int64_t column = 0; column < columns; column += kColumns) {
    const int64_t left = std::min<int64_t>(kColumns, columns - column);
    const int64_t vectors = (left + kLanes - 1) / kLanes, last = left - (vectors - 1) * kLanes;
    if (last == kLanes) {
      tile_of(vectors, depth, a, b + column * depth, c + column, stride, rows, add, Whole{});
    } else {
      tile_of(vectors, depth, a, b + column * depth, c + column, stride, rows, add, last);
    }
  }
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
  const int64_t columns = std::min(part.column_end, p.columns) - part.column_begin;
  const int64_t room = round_up(columns, kLanes) * block;
  float* b = scratch.at_least(room + kRows * block);
  float* last_panel = b + room;
  for (int64_t k = 0; k < p.depth; k += block) {
    const int64_t depth = std::min(block, p.depth - k);
    const bool add = p.accumulate || k > 0;
    const float* from = p.b.data + k * p.b.row + part.column_begin * p.b.column;
    for (int64_t column = 0; column < columns; column += kColumns)
      pack_columns({from + column * p.b.column, p.b.row, p.b.column},
                   std::min<int64_t>(kColumns, columns - column), depth, b + column * depth);
    for (int64_t panel = part.panel_begin; panel < part.panel_end; ++panel) {
      const int64_t row = panel * kRows, rows = std::min<int64_t>(kRows, p.rows - row);
      const float* a = p.a.data + row * p.a.row + k * p.a.column;
      float* c = p.c + row * p.c_stride + part.column_begin;
      if (p.a.row == 1) {
        const PackedPanel panel_of{packed + k * panels * kRows + row * depth};
        row_of_tiles(columns, depth, panel_of, b, c, p.c_stride, rows, add);
      } else if (rows == kRows) {
        row_of_tiles(columns, depth, RowsPanel(a, p.a.row), b, c, p.c_stride, rows, add);
      } else {
        // Packed, since a tile reads kRows rows and A has them not.
        pack_rows({a, p.a.row, p.a.column}, rows, depth, last_panel);
        row_of_tiles(columns, depth, PackedPanel{last_panel}, b, c, p.c_stride, rows, add);
      }
    }
  }
}

}  // namespace finetag::FINETAG_ISA
