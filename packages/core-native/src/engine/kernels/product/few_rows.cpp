// Few rows times a weight matrix in place. A general matrix product copies the weights to another layout at
// every call, which pays only where many rows use them; with few rows, reading the weights is the work.
#include "engine/kernels/functions.h"
#include "engine/kernels/simd/simd.h"

namespace finetag::FINETAG_ISA {

namespace {

constexpr int kOutputs = kFewRowsOutputs;
/// Rows of x in a tile: as many as leave the sums of all pairs, and what they are formed of, in registers.
constexpr int kRows = kLanes == 16 ? 6 : 2;

/// y[r, o] = sum over k of x[r, k] w[o, k], for MR rows and MO outputs. In passing it fetches the first FETCH
/// rows of weights from `ahead` on, a line at a step, so that the memory is never asked for many at once.
template <int MR, int MO, int FETCH>
inline void tile(int64_t depth, const float* x, const float* w, const float* ahead, float* y,
                 int64_t stride) {
  F sums[MR][MO] = {};
  for_each_vector(depth, [&](int64_t k, auto n) {
#pragma GCC unroll 4
    for (int f = 0; f < FETCH; ++f) __builtin_prefetch(ahead + f * depth + k, 0, 2);
    F weights[MO];
#pragma GCC unroll 4
    for (int o = 0; o < MO; ++o) {
      weights[o] = load(w + o * depth + k, n);
      // With more rows the compiler keeps them by itself, and asked to, it keeps them on the stack.
      if constexpr (MR <= MO) in_register(weights[o]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < MR; ++r) {
      F values = load(x + r * depth + k, n);
      in_register(values);
#pragma GCC unroll 4
      for (int o = 0; o < MO; ++o) sums[r][o] += values * weights[o];
    }
  });
#pragma GCC unroll 8
  for (int r = 0; r < MR; ++r) {
    if constexpr (MO == kOutputs) {
      store_sums(y + r * stride, sums[r][0], sums[r][1], sums[r][2], sums[r][3]);
    } else {
      for (int o = 0; o < MO; ++o) y[r * stride + o] = sum(sums[r][o]);
    }
  }
}

template <int MO, int FETCH>
void tile_of(int64_t rows, int64_t depth, const float* x, const float* w, const float* ahead, float* y,
             int64_t stride) {
  if (rows == 1) return tile<1, MO, FETCH>(depth, x, w, ahead, y, stride);
  if (rows == 2) return tile<2, MO, FETCH>(depth, x, w, ahead, y, stride);
  if constexpr (kRows == 6) {
    if (rows == 3) return tile<3, MO, FETCH>(depth, x, w, ahead, y, stride);
    if (rows == 4) return tile<4, MO, FETCH>(depth, x, w, ahead, y, stride);
    if (rows == 5) return tile<5, MO, FETCH>(depth, x, w, ahead, y, stride);
    return tile<6, MO, FETCH>(depth, x, w, ahead, y, stride);
  }
}

/// How many rows of weights each of so many tiles fetches, for all to fetch a group.
constexpr int64_t fetched_by_each(int64_t tiles) { return tiles == 1 ? 4 : tiles < 4 ? 2 : 1; }

/// All rows for the MO outputs from `output` on. The rows are split evenly, so that no tile is left with one.
template <int MO>
void outputs(const FewRowsProduct& p, int64_t output) {
  const float* w = p.weight_OI + output * p.depth;
  const int64_t tiles = (p.rows + kRows - 1) / kRows;
  const int64_t group = output + p.ahead * kOutputs;
  const int64_t each = fetched_by_each(tiles);
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t row = p.rows * i / tiles, rows = p.rows * (i + 1) / tiles - row;
    const float* x = p.x_RI + row * p.depth;
    float* y = p.y_RO + row * p.outputs + output;
    if constexpr (MO == kOutputs) {
      if (group + kOutputs <= p.outputs && i * each < kOutputs) {
        const float* ahead = p.weight_OI + (group + i * each) * p.depth;
        if (each == 1) {
          tile_of<MO, 1>(rows, p.depth, x, w, ahead, y, p.outputs);
        } else if (each == 2) {
          tile_of<MO, 2>(rows, p.depth, x, w, ahead, y, p.outputs);
        } else {
          tile_of<MO, 4>(rows, p.depth, x, w, ahead, y, p.outputs);
        }
        continue;
      }
    }
    tile_of<MO, 0>(rows, p.depth, x, w, nullptr, y, p.outputs);
  }
}

}  // namespace

void few_rows_product(const FewRowsProduct& p, int64_t begin, int64_t end) {
  for (int64_t group = begin; group < end; ++group) {
    const int64_t output = group * kOutputs;
    if (output + kOutputs <= p.outputs) {
      outputs<kOutputs>(p, output);
    } else {
      for (int64_t o = output; o < p.outputs; ++o) outputs<1>(p, o);
    }
  }
}

}  // namespace finetag::FINETAG_ISA
