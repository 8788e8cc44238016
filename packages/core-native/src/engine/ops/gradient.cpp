#include "engine/ops/gradient.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <vector>

#include "engine/kernels/kernels.h"
#include "engine/ops/product/matrix_product.h"

namespace finetag {

namespace {
constexpr int64_t kColumnsPerTask = 64;
}

WeightGradient::WeightGradient(const at::Tensor& weight)
    : fresh_(weight.defined() && !weight.grad().defined()) {
  if (!weight.defined()) return;
  if (fresh_) weight.mutable_grad() = at::empty_like(weight.detach());
  gradient_ = weight.grad();
}

void WeightGradient::add_product(const at::Tensor& a_RO, const at::Tensor& b_RI, int64_t row) {
  matrix_product(gradient_.narrow(0, row, a_RO.size(1)), a_RO.t(), b_RI, /*accumulate=*/!fresh_);
}

void WeightGradient::add_column_sums(const float* x, int64_t rows, int64_t columns, int64_t stride,
                                     int64_t at) {
  if (!gradient_.defined()) return;
  float* sums = gradient_.mutable_data_ptr<float>() + at;
  at::parallel_for(0, columns, kColumnsPerTask, [&](int64_t begin, int64_t end) {
    kernels().column_sums(x, rows, stride, !fresh_, sums, begin, end);
  });
}

void WeightGradient::add_rows(const at::Tensor& x_TH, const at::Tensor& ids_T, int64_t skip) {
  if (fresh_) gradient_.zero_();
  const int32_t* ids = ids_T.const_data_ptr<int32_t>();
  std::vector<int32_t> to(ids, ids + ids_T.numel());
  std::replace(to.begin(), to.end(), static_cast<int32_t>(skip), -1);
  scatter_add_rows(x_TH.const_data_ptr<float>(), to.data(), ids_T.numel(), x_TH.size(1),
                   gradient_.mutable_data_ptr<float>());
}

void scatter_add_rows(const float* x, const int32_t* to, int64_t rows, int64_t features, float* out) {
  at::parallel_for(0, features, kColumnsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t t = 0; t < rows; ++t) {
      if (to[t] < 0) continue;
      const float* from = x + t * features;
      float* row = out + to[t] * features;
#pragma omp simd
      for (int64_t c = begin; c < end; ++c) row[c] += from[c];
    }
  });
}

}  // namespace finetag
