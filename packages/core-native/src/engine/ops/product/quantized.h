// Shape letters: R rows (tokens, or first tokens), I features of a layer's input, O of its output.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <cstdint>
#include <vector>

namespace finetag {

/// The int8 form of a linear layer's weight `[O, I]`, for libtorch's dynamic quantization (Jacob et al. 2018;
/// docs/numerics.md has the formulas). Rows that are asked for together are packed together, once; a layer
/// that runs several times may be asked for all rows first and for some of them later, not the other way
/// round. When all rows are packed, the float32 values are freed: the weight, in whoever's hands, is then
/// empty.
class Int8Weight {
 public:
  explicit Int8Weight(at::Tensor weight_OI) : weight_OI_(std::move(weight_OI)), rows_(weight_OI_.size(0)) {}

  /// O, also when the float32 values are freed.
  int64_t rows() const { return rows_; }

  /// x W^T in float32 for rows [row, row + rows) of the weight, `[R, I]` -> `[R, rows]`, without bias.
  at::Tensor product(const at::Tensor& x_RI, int64_t row, int64_t rows);

  /// True from the first product on: what is written into the weight from then on has no effect.
  bool packed() const { return !parts_.empty(); }
  /// Bytes of what is packed.
  int64_t bytes() const;

 private:
  struct Part {
    int64_t row;
    int64_t rows;
    int64_t columns;
    c10::IValue packed;  // libtorch's own class, which only its operators know
  };
  /// The one that holds these rows, and perhaps others.
  const Part& part(int64_t row, int64_t rows);

  at::Tensor weight_OI_;
  int64_t rows_;
  std::vector<Part> parts_;
};

}  // namespace finetag
