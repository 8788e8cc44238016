#pragma once

#include <ATen/core/Tensor.h>

namespace finetag {

/// Rows of a table that an optimizer leaves behind its last step, to bring them up to date before they are
/// next read. Whoever reads or writes them from outside goes through this.
class LateRows {
 public:
  virtual ~LateRows() = default;
  /// Whether there may be any.
  virtual bool has_late_rows() const = 0;
  /// Brings the rows that `ids_T` names up to the last step.
  virtual void catch_up(const at::Tensor& ids_T) = 0;
  /// Brings all rows up to the last step.
  virtual void catch_up() = 0;
  /// After all rows were brought up to date, values or moments were written from outside.
  virtual void rows_were_written() = 0;
};

}  // namespace finetag
