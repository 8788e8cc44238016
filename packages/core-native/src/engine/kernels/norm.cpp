#include "engine/kernels/norm.h"

#include "engine/kernels/functions.h"

namespace finetag::FINETAG_ISA {

namespace {

thread_local Scratch scratch;

/// The factors of a row, or null where nothing is dropped.
const float* factors_of(int64_t row, int64_t features, const DropoutMask& mask) {
  if (mask.threshold == 0) return nullptr;
  float* factors = scratch.at_least(round_up(features, kDrawn));
  row_factors(row, features, mask, factors);
  return factors;
}

/// `Shifted` at compile time, so that product and sum stay one instruction and one rounding.
template <bool Shifted>
void write_normed_row(const float* row, const Statistics& s, const float* weight, const float* shift,
                      int64_t features, const float* factors, float* y) {
  for_each_vector(features, [&](int64_t at, auto n) {
    const F xhat = (load(row + at, n) - s.mean) * s.rstd;
    F value;
    if constexpr (Shifted) {
      value = xhat * load(weight + at, n) + load(shift + at, n);
    } else {
      value = xhat * load(weight + at, n);
    }
    if (factors != nullptr) value = value * load(factors + at, n);
    store(y + at, value, n);
  });
}

void write_normed(const float* row, const Statistics& s, const float* weight, const float* shift,
                  int64_t features, const float* factors, float* y) {
  if (shift != nullptr) return write_normed_row<true>(row, s, weight, shift, features, factors, y);
  write_normed_row<false>(row, s, weight, shift, features, factors, y);
}

}  // namespace

void residual_norm(const ResidualNorm& o, int64_t begin, int64_t end) {
  const int64_t H = o.features;
  for (int64_t r = begin; r < end; ++r) {
    const float* x = o.x_RH + r * H;
    const float* residual = o.residual_RH + r * H;
    const float* factors = factors_of(r, H, o.mask);
    // Without a backward pass the sum lives where the result will.
    float* row = (o.sum_RH != nullptr ? o.sum_RH : o.y_RH) + r * H;
    for_each_vector(H, [&](int64_t at, auto n) {
      F value = load(x + at, n);
      if (o.bias_H != nullptr) value += load(o.bias_H + at, n);
      if (factors != nullptr) value = value * load(factors + at, n);
      store(row + at, value + load(residual + at, n), n);
    });
    const Statistics s = statistics(row, H, o.epsilon);
    if (o.sum_RH != nullptr) {
      o.mean_R[r] = s.mean;
      o.rstd_R[r] = s.rstd;
    }
    write_normed(row, s, o.weight_H, o.shift_H, H, nullptr, o.y_RH + r * H);
  }
}

void residual_norm_grad(const ResidualNormGrad& o, int64_t rows, int64_t chunk) {
  const int64_t H = o.features;
  float* grad_weight = o.sums_C3H + chunk * 3 * H;
  float* grad_shift = grad_weight + H;
  float* grad_bias = grad_shift + H;
  zero(grad_weight, 3 * H);
  const int64_t end = rows < (chunk + 1) * kChunkRows ? rows : (chunk + 1) * kChunkRows;
  for (int64_t r = chunk * kChunkRows; r < end; ++r) {
    float* grad_residual = o.grad_residual_RH + r * H;
    float* grad_x = o.grad_x_RH + r * H;
    norm_row_grad(o.grad_y_RH + r * H, o.sum_RH + r * H, {o.mean_R[r], o.rstd_R[r]}, o.weight_H, H,
                  grad_residual, grad_weight, grad_shift);
    const float* factors = factors_of(r, H, o.mask);
    for_each_vector(H, [&](int64_t at, auto n) {
      F value = load(grad_residual + at, n);
      if (factors != nullptr) value = value * load(factors + at, n);
      store(grad_x + at, value, n);
      store(grad_bias + at, load(grad_bias + at, n) + value, n);
    });
  }
}

void embedding_norm(const EmbeddingNorm& o, int64_t begin, int64_t end) {
  const int64_t H = o.features;
  for (int64_t t = begin; t < end; ++t) {
    float* row = (o.sum_TH != nullptr ? o.sum_TH : o.y_TH) + t * H;
    const float* from[EmbeddingNorm::kMostTables];
    for (int64_t i = 0; i < o.tables; ++i) from[i] = o.tables_VH[i] + int64_t{o.ids_T[i][t]} * H;
    for_each_vector(H, [&](int64_t at, auto n) {
      F value = load(from[0] + at, n);
      for (int64_t i = 1; i < o.tables; ++i) value += load(from[i] + at, n);
      store(row + at, value, n);
    });
    const Statistics s = statistics(row, H, o.epsilon);
    if (o.sum_TH != nullptr) {
      o.mean_T[t] = s.mean;
      o.rstd_T[t] = s.rstd;
    }
    write_normed(row, s, o.weight_H, o.shift_H, H, factors_of(t, H, o.mask), o.y_TH + t * H);
  }
}

void embedding_norm_grad(const EmbeddingNormGrad& o, int64_t rows, int64_t chunk) {
  const int64_t H = o.features;
  float* grad_weight = o.sums_C2H + chunk * 2 * H;
  zero(grad_weight, 2 * H);
  const int64_t end = rows < (chunk + 1) * kChunkRows ? rows : (chunk + 1) * kChunkRows;
  for (int64_t t = chunk * kChunkRows; t < end; ++t) {
    const float* grad_y = o.grad_y_TH + t * H;
    float* grad_sum = o.grad_sum_TH + t * H;
    if (const float* factors = factors_of(t, H, o.mask)) {
      for_each_vector(H, [&](int64_t at, auto n) {
        store(grad_sum + at, load(grad_y + at, n) * load(factors + at, n), n);
      });
      grad_y = grad_sum;
    }
    norm_row_grad(grad_y, o.sum_TH + t * H, {o.mean_T[t], o.rstd_T[t]}, o.weight_H, H, grad_sum, grad_weight,
                  grad_weight + H);
  }
}

void dropout(const float* x, float* y, int64_t columns, const DropoutMask& mask, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r) {
    const float* factors = factors_of(r, columns, mask);
    for_each_vector(columns, [&](int64_t at, auto n) {
      F value = load(x + r * columns + at, n);
      if (factors != nullptr) value = value * load(factors + at, n);
      store(y + r * columns + at, value, n);
    });
  }
}

}  // namespace finetag::FINETAG_ISA
