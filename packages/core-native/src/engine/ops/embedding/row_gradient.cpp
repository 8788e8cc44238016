#include "engine/ops/embedding/row_gradient.h"

#include <ATen/ops/empty.h>

#include <algorithm>

#include "engine/ops/gradient.h"

namespace finetag {

void RowGradient::add(const at::Tensor& x_TH, const at::Tensor& ids_T, int64_t skip) {
  const int32_t* ids = ids_T.const_data_ptr<int32_t>();
  const auto before = static_cast<int64_t>(rows_U_.size());
  std::vector<int32_t> slots(ids_T.numel());
  for (size_t t = 0; t < slots.size(); ++t) {
    const int32_t id = ids[t];
    if (id == skip) {
      slots[t] = -1;
      continue;
    }
    if (slot_of_V_[id] < 0) {
      slot_of_V_[id] = static_cast<int32_t>(rows_U_.size());
      rows_U_.push_back(id);
    }
    slots[t] = slot_of_V_[id];
  }
  const auto touched = static_cast<int64_t>(rows_U_.size());
  if (touched == 0) return;
  if (!values_.defined() || values_.size(0) < touched) {
    const at::Tensor old = values_;
    values_ = at::empty({std::max<int64_t>(touched * 3 / 2, 256), features_}, x_TH.options());
    if (before > 0) values_.narrow(0, 0, before).copy_(old.narrow(0, 0, before));
  }
  values_.narrow(0, before, touched - before).zero_();
  scatter_add_rows(x_TH.const_data_ptr<float>(), slots.data(), ids_T.numel(), features_,
                   values_.mutable_data_ptr<float>());
}

void RowGradient::clear() {
  for (const int32_t row : rows_U_) slot_of_V_[row] = -1;
  rows_U_.clear();
}

at::Tensor RowGradient::values() const {
  return rows_U_.empty() ? at::Tensor() : values_.narrow(0, 0, static_cast<int64_t>(rows_U_.size()));
}

}  // namespace finetag
