// Shape letters: V rows of a table, H features, U rows that a step has touched.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace finetag {

/// The gradient of a table of which a step touches few rows: those rows alone, in the order of their first
/// touch.
class RowGradient {
 public:
  RowGradient(int64_t rows, int64_t features) : features_(features), slot_of_V_(rows, -1) {}

  /// Row ids[t] takes row t of `x_TH`, except where the id is `skip`.
  void add(const at::Tensor& x_TH, const at::Tensor& ids_T, int64_t skip);
  void clear();

  const std::vector<int32_t>& rows() const { return rows_U_; }
  /// `[U, H]`; undefined where U is 0.
  at::Tensor values() const;

 private:
  int64_t features_;
  std::vector<int32_t> slot_of_V_;  // -1: not touched
  std::vector<int32_t> rows_U_;
  at::Tensor values_;  // with room for more rows than U
};

}  // namespace finetag
