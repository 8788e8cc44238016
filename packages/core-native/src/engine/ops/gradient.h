#pragma once

#include <ATen/core/Tensor.h>

namespace finetag {

/// The gradient of a weight, as a fused backward pass writes it: the first write of a step sets it, a later
/// one (of another batch of the step) adds to it. So no gradient is filled with zeros or copied. An undefined
/// weight, such as the bias of a layer that has none, takes nothing.
class WeightGradient {
 public:
  explicit WeightGradient(const at::Tensor& weight);

  /// Rows [row, row + O) take a^T b; a is `[R, O]`, b `[R, I]`.
  void add_product(const at::Tensor& a_RO, const at::Tensor& b_RI, int64_t row = 0);
  /// Elements [at, at + columns) take the sums over `rows` rows that lie `stride` floats apart.
  void add_column_sums(const float* x, int64_t rows, int64_t columns, int64_t stride, int64_t at = 0);
  /// Row ids[t] takes row t of x `[T, H]`, except where the id is `skip`. To be called once per backward
  /// pass.
  void add_rows(const at::Tensor& x_TH, const at::Tensor& ids_T, int64_t skip);

 private:
  at::Tensor gradient_;
  bool fresh_;
};

/// Row to[t] of `out` takes row t of `x`; -1 is left out. The additions to a row happen in the order of t,
/// for any number of threads.
void scatter_add_rows(const float* x, const int32_t* to, int64_t rows, int64_t features, float* out);

}  // namespace finetag
