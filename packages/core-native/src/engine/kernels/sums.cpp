#include "engine/kernels/functions.h"
#include "engine/kernels/simd/simd.h"

namespace finetag::FINETAG_ISA {

double square_sum(const float* x, int64_t count) {
  // Four sums in flight, and double at the end of each block: as exact as a sum of float32 squares needs to
  // be.
  constexpr int64_t kBlock = 4096;
  double total = 0;
  for (int64_t from = 0; from < count; from += kBlock) {
    const int64_t length = count - from < kBlock ? count - from : kBlock;
    F sums[4] = {};
    int64_t at = 0;
    for (; at + 4 * kLanes <= length; at += 4 * kLanes) {
      for (int i = 0; i < 4; ++i) {
        const F v = load(x + from + at + i * kLanes);
        sums[i] += v * v;
      }
    }
    for_each_vector(length - at, [&](int64_t more, auto n) {
      const F v = load(x + from + at + more, n);
      sums[0] += v * v;
    });
    total += static_cast<double>(sum((sums[0] + sums[1]) + (sums[2] + sums[3])));
  }
  return total;
}

void column_sums(const float* x, int64_t rows, int64_t stride, bool accumulate, float* sums, int64_t begin,
                 int64_t end) {
  // Eight vectors side by side, so that each row is read in long runs.
  constexpr int kWide = 8;
  int64_t c = begin;
  for (; c + kWide * kLanes <= end; c += kWide * kLanes) {
    F totals[kWide];
    for (int i = 0; i < kWide; ++i) totals[i] = accumulate ? load(sums + c + i * kLanes) : F{};
    for (int64_t r = 0; r < rows; ++r) {
      for (int i = 0; i < kWide; ++i) totals[i] += load(x + r * stride + c + i * kLanes);
    }
    for (int i = 0; i < kWide; ++i) store(sums + c + i * kLanes, totals[i]);
  }
  for_each_vector(end - c, [&](int64_t at, auto n) {
    F total = accumulate ? load(sums + c + at, n) : F{};
    for (int64_t r = 0; r < rows; ++r) total += load(x + r * stride + c + at, n);
    store(sums + c + at, total, n);
  });
}

}  // namespace finetag::FINETAG_ISA
