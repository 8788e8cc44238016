#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/core/config.h"
#include "engine/ops/embedding/row_gradient.h"

namespace finetag {

class Int8Weight;

enum class ParameterRole { kWeight, kBias, kNormWeight };

/// One entry of Hugging Face's state dict: rows [row, row + rows) of a stored tensor.
struct NamedParameter {
  std::string name;
  std::vector<int64_t> shape;
  ParameterRole role;
  size_t storage;
  int64_t row;
  /// Starts as zeros in new weights (an embedding's padding row); -1: none.
  int64_t padding_row;
  bool filled = false;

  bool decays() const { return role == ParameterRole::kWeight; }
};

/// A tensor that the optimizer sees, possibly several names side by side (query, key and value).
struct StoredParameter {
  at::Tensor value;
  at::Tensor exp_avg;
  at::Tensor exp_avg_sq;
  bool decays;
  /// Of a table whose gradient is kept by touched rows; it then has no other.
  std::shared_ptr<RowGradient> rows;
  /// Of a linear layer where products run in int8. Once that has packed the value, it is the value.
  std::shared_ptr<Int8Weight> int8;

  /// `[V, H]` like the value, zeros where there is no gradient.
  at::Tensor dense_gradient() const;
};

/// All weights of a model under Hugging Face's names. Several names can share one tensor, so that one GEMM
/// serves them all; element-wise updates do not notice.
class ParameterStore {
 public:
  /// `fused`: ops may take the CPU's kernels. `int8`: linear layers get an int8 form.
  ParameterStore(c10::Device device, bool fused, bool int8 = false)
      : device_(device), fused_(fused), int8_(int8) {}

  at::Tensor add(const std::string& name, std::vector<int64_t> shape, ParameterRole role,
                 int64_t padding_row = -1);
  /// Stacks the names along the first axis; every part has `shape`.
  at::Tensor add_stacked(const std::vector<std::string>& names, std::vector<int64_t> shape,
                         ParameterRole role);

  /// For an op whose kernel writes the gradient of the last parameter that was added by touched rows. Null
  /// where ops may not take kernels.
  std::shared_ptr<RowGradient> add_row_gradient();

  /// Lets products with the last parameter that was added run in int8, where the session does; else null.
  std::shared_ptr<Int8Weight> add_int8();

  const std::vector<NamedParameter>& named() const { return named_; }
  std::vector<StoredParameter>& stored() { return stored_; }
  const std::vector<StoredParameter>& stored() const { return stored_; }

  /// Throws kArgument for an unknown name.
  NamedParameter& find(const std::string& name);
  /// Throws kArgument unless the parameter still has its float32 values.
  void require_float32(const NamedParameter& parameter) const;
  at::Tensor slice(const NamedParameter& parameter, const at::Tensor& whole) const;
  at::Tensor value(const NamedParameter& parameter) const {
    return slice(parameter, stored_[parameter.storage].value);
  }

  /// N(0, range) for weights, 0 for biases, 1 for norm weights; a function of seed and name alone.
  void initialize(const std::string& name, uint32_t seed, double range);
  /// Throws kArgument naming the first weight that was neither written nor initialised.
  void require_filled() const;

  void allocate_moments();
  int64_t bytes() const;

 private:
  c10::Device device_;
  bool fused_;
  bool int8_;
  std::vector<NamedParameter> named_;
  std::vector<StoredParameter> stored_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace finetag
