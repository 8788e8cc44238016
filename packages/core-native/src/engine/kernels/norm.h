#pragma once

#include "engine/kernels/kernels.h"
#include "engine/kernels/simd/random.h"
#include "engine/kernels/simd/scratch.h"

namespace finetag::FINETAG_ISA {

struct Statistics {
  float mean;
  float rstd;
};

/// Mean and reciprocal deviation of a row, in two passes for accuracy.
inline Statistics statistics(const float* row, int64_t features, float epsilon) {
  F total{};
  for_each_vector(features, [&](int64_t at, auto n) { total += load(row + at, n); });
  const float mean = sum(total) / static_cast<float>(features);
  F squares{};
  for_each_vector(features, [&](int64_t at, auto n) {
    F d = load(row + at, n) - mean;
    if constexpr (!std::is_same_v<decltype(n), Whole>) d = first_lanes(d, n);
    squares += d * d;
  });
  return {mean, 1.0f / __builtin_sqrtf(sum(squares) / static_cast<float>(features) + epsilon)};
}

/// Gradient of a layer norm's input: rstd * (g w - mean(g w) - xhat * mean(g w xhat)). Adds the row's part of
/// the gradients of weight and shift.
inline void norm_row_grad(const float* grad_y, const float* row, const Statistics& s, const float* weight,
                          int64_t features, float* grad_row, float* grad_weight, float* grad_shift) {
  F first{}, second{};
  for_each_vector(features, [&](int64_t at, auto n) {
    const F g = load(grad_y + at, n);
    const F xhat = (load(row + at, n) - s.mean) * s.rstd;
    const F scaled = g * load(weight + at, n);
    first += scaled;
    second += scaled * xhat;
    store(grad_weight + at, load(grad_weight + at, n) + g * xhat, n);
    store(grad_shift + at, load(grad_shift + at, n) + g, n);
  });
  const float mean_first = sum(first) / static_cast<float>(features);
  const float mean_second = sum(second) / static_cast<float>(features);
  for_each_vector(features, [&](int64_t at, auto n) {
    const F xhat = (load(row + at, n) - s.mean) * s.rstd;
    const F scaled = load(grad_y + at, n) * load(weight + at, n);
    store(grad_row + at, (scaled - mean_first - xhat * mean_second) * s.rstd, n);
  });
}

inline void zero(float* to, int64_t count) { std::memset(to, 0, static_cast<size_t>(count) * sizeof(float)); }

}  // namespace finetag::FINETAG_ISA
