// How a session's weights, gradients and moments are read and written from outside.
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include "engine/core/cancel.h"
#include "engine/core/core_gate.h"
#include "engine/core/error.h"
#include "engine/core/transpose_matrix.h"
#include "engine/session/session.h"

namespace finetag {

namespace {

/// In one pass of whole vectors, with no branch: weights are looked at while they are loaded.
bool all_finite(const at::Tensor& tensor) {
  const at::Tensor values = tensor.to(at::kCPU, at::kFloat).contiguous();
  constexpr uint32_t kMagnitude = 0x7fffffff;
  constexpr uint32_t kInfinity = 0x7f800000;  // every NaN is above it
  const float* data = values.const_data_ptr<float>();
  uint32_t largest = 0;
  for (int64_t i = 0, count = values.numel(); i < count; ++i)
    largest = std::max(largest, std::bit_cast<uint32_t>(data[i]) & kMagnitude);
  return largest < kInfinity;
}

/// Writes whole rows of the transpose, from its element `first` on.
void write_transposed(const std::string& name, const at::Tensor& target, const at::Tensor& data,
                      int64_t first) {
  const int64_t columns = target.size(0);
  if (target.dim() != 2 || first % columns != 0 || data.numel() % columns != 0)
    throw Error(ErrorCode::kArgument, "parameter \"" + name +
                                          "\" takes a transpose only if it is a matrix, in whole rows of " +
                                          std::to_string(columns) + " values");
  const int64_t rows = data.numel() / columns;
  if (target.is_cpu()) {
    const at::Tensor from = data.contiguous();
    transpose_matrix(from.const_data_ptr<float>(), rows, columns,
                     target.mutable_data_ptr<float>() + first / columns, target.size(1));
  } else {
    target.narrow(1, first / columns, rows).copy_(data.view({rows, columns}).t());
  }
}

/// `count` elements from `begin` on, or all of them, must be there.
void check_part(const std::string& name, const at::Tensor& whole, std::optional<int64_t> begin,
                int64_t count) {
  const int64_t first = begin.value_or(0), room = whole.numel() - first;
  if (first >= 0 && (begin ? count <= room : count == room)) return;
  const std::string from = begin ? " from " + std::to_string(first) + " on" : "";
  throw Error(ErrorCode::kArgument, "parameter \"" + name + "\" holds " + std::to_string(whole.numel()) +
                                        " values, not " + std::to_string(count) + from);
}

at::Tensor tensor_of(const StoredParameter& stored, TensorKind kind) {
  switch (kind) {
    case TensorKind::kWeight:
      return stored.value;
    case TensorKind::kGrad:
      return stored.dense_gradient();
    case TensorKind::kExpAvg:
      return stored.exp_avg;
    case TensorKind::kExpAvgSq:
      return stored.exp_avg_sq;
  }
  throw Error(ErrorCode::kNative, "unknown kind of tensor");
}

}  // namespace

void Session::initialize(const std::vector<std::string>& names) {
  const CancelScope cancel(stop_);
  for (const std::string& name : names) {
    CancelScope::check();
    if (stored_of(store_.find(name)).rows != nullptr) catch_up();
    store_.initialize(name, config_.seed, config_.model.initializer_range);
  }
}

void Session::catch_up() {
  if (late_rows_ == nullptr || !late_rows_->has_late_rows()) return;
  const CancelScope cancel(stop_);
  const CoreGate::Permit permit(config_.threads);
  late_rows_->catch_up();
}

at::Tensor Session::values(TensorKind kind, const NamedParameter& parameter) {
  store_.require_float32(parameter);
  const StoredParameter& stored = stored_of(parameter);
  if (stored.rows != nullptr) catch_up();
  const at::Tensor whole = tensor_of(stored, kind);
  if (!whole.defined())
    throw Error(ErrorCode::kArgument, "there are no moments before training is configured");
  return store_.slice(parameter, whole);
}

at::Tensor Session::read(TensorKind kind, const std::string& name) {
  return values(kind, store_.find(name))
      .to(at::kCPU, at::kFloat, /*non_blocking=*/false, /*copy=*/true)
      .contiguous();
}

bool Session::read_part(TensorKind kind, const std::string& name, int64_t begin, const at::Tensor& target) {
  const at::Tensor from = values(kind, store_.find(name));
  check_part(name, from, begin, target.numel());
  const at::NoGradGuard no_grad;
  target.copy_(from.flatten().narrow(0, begin, target.numel()));
  return all_finite(target);
}

bool Session::write(TensorKind kind, const std::string& name, const at::Tensor& data,
                    std::optional<int64_t> begin, bool transposed) {
  if (kind == TensorKind::kGrad)
    throw Error(ErrorCode::kArgument, "a gradient cannot be written; write weight, exp_avg or exp_avg_sq");
  NamedParameter& parameter = store_.find(name);
  at::Tensor target = values(kind, parameter);
  const int64_t first = begin.value_or(0);
  const int64_t room = target.numel() - first;
  check_part(name, target, begin, data.numel());
  if (transposed) {
    write_transposed(name, target, data, first);
  } else {
    target.view({-1}).narrow(0, first, data.numel()).copy_(data.flatten());
  }
  if (late_rows_ != nullptr && stored_of(parameter).rows != nullptr) late_rows_->rows_were_written();
  if (kind == TensorKind::kWeight && data.numel() == room) parameter.filled = true;
  return all_finite(data);
}

}  // namespace finetag
