#include "engine/nn/parameters.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <numbers>

#include "engine/core/error.h"
#include "engine/core/philox.h"
#include "engine/ops/product/quantized.h"

namespace finetag {

at::Tensor ParameterStore::add(const std::string& name, std::vector<int64_t> shape, ParameterRole role,
                               int64_t padding_row) {
  at::Tensor value = add_stacked({name}, std::move(shape), role);
  named_.back().padding_row = padding_row;
  return value;
}

at::Tensor ParameterStore::add_stacked(const std::vector<std::string>& names, std::vector<int64_t> shape,
                                       ParameterRole role) {
  std::vector<int64_t> whole = shape;
  whole[0] *= static_cast<int64_t>(names.size());
  at::Tensor value = at::empty(whole, at::TensorOptions().dtype(at::kFloat).device(device_));
  value.set_requires_grad(true);
  for (size_t part = 0; part < names.size(); ++part) {
    index_.emplace(names[part], named_.size());
    named_.push_back({names[part], shape, role, stored_.size(), static_cast<int64_t>(part) * shape[0], -1});
  }
  stored_.push_back({value, {}, {}, role == ParameterRole::kWeight, nullptr, nullptr});
  return value;
}

std::shared_ptr<RowGradient> ParameterStore::add_row_gradient() {
  if (!fused_) return nullptr;
  StoredParameter& table = stored_.back();
  table.rows = std::make_shared<RowGradient>(table.value.size(0), table.value.size(1));
  return table.rows;
}

std::shared_ptr<Int8Weight> ParameterStore::add_int8() {
  if (!int8_) return nullptr;
  stored_.back().int8 = std::make_shared<Int8Weight>(stored_.back().value);
  return stored_.back().int8;
}

at::Tensor StoredParameter::dense_gradient() const {
  if (value.grad().defined()) return value.grad();
  at::Tensor gradient = at::zeros_like(value.detach());
  if (rows == nullptr) return gradient;
  const at::Tensor values = rows->values();
  for (size_t slot = 0; slot < rows->rows().size(); ++slot)
    gradient[rows->rows()[slot]].copy_(values[static_cast<int64_t>(slot)]);
  return gradient;
}

NamedParameter& ParameterStore::find(const std::string& name) {
  const auto found = index_.find(name);
  if (found == index_.end()) throw Error(ErrorCode::kArgument, "the model has no parameter \"" + name + "\"");
  return named_[found->second];
}

void ParameterStore::require_float32(const NamedParameter& parameter) const {
  const auto& int8 = stored_[parameter.storage].int8;
  if (int8 == nullptr || !int8->packed()) return;
  throw Error(ErrorCode::kArgument, "parameter \"" + parameter.name +
                                        "\" is in int8 by now and is neither read nor written; "
                                        "open the model with precision float32 for that");
}

at::Tensor ParameterStore::slice(const NamedParameter& parameter, const at::Tensor& whole) const {
  return whole.detach().narrow(0, parameter.row, parameter.shape[0]);
}

namespace {

uint64_t hash_name(const std::string& name) {  // FNV-1a
  uint64_t hash = 14695981039346656037ull;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211ull;
  return hash;
}

void fill_normal(float* out, int64_t count, uint32_t seed, uint64_t stream, double range) {
  const auto unit = [](uint32_t word) { return (static_cast<double>(word) + 0.5) / 4294967296.0; };
  for (int64_t i = 0; i < count; i += 4) {
    const auto block = static_cast<uint64_t>(i / 4);
    // The last key word keeps these draws apart from dropout's, whose step starts at 0.
    const auto words = Philox::block({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                                      static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)},
                                     seed, 0xFFFFFFFFu);
    double normal[4];
    for (int pair = 0; pair < 2; ++pair) {  // Box & Muller 1958
      const double radius = std::sqrt(-2.0 * std::log(unit(words[2 * pair])));
      const double angle = 2.0 * std::numbers::pi * unit(words[2 * pair + 1]);
      normal[2 * pair] = radius * std::cos(angle);
      normal[2 * pair + 1] = radius * std::sin(angle);
    }
    for (int64_t k = 0; k < 4 && i + k < count; ++k) out[i + k] = static_cast<float>(range * normal[k]);
  }
}

}  // namespace

void ParameterStore::initialize(const std::string& name, uint32_t seed, double range) {
  NamedParameter& parameter = find(name);
  require_float32(parameter);
  at::Tensor target = value(parameter);
  if (!target.is_meta()) {
    if (parameter.role == ParameterRole::kWeight) {
      at::Tensor fresh = at::empty(parameter.shape, at::TensorOptions().dtype(at::kFloat));
      fill_normal(fresh.mutable_data_ptr<float>(), fresh.numel(), seed, hash_name(name), range);
      if (parameter.padding_row >= 0) fresh.select(0, parameter.padding_row).zero_();
      target.copy_(fresh);
    } else {
      target.fill_(parameter.role == ParameterRole::kNormWeight ? 1.0 : 0.0);
    }
  }
  parameter.filled = true;
}

void ParameterStore::require_filled() const {
  for (const NamedParameter& parameter : named_) {
    if (!parameter.filled) {
      throw Error(ErrorCode::kArgument,
                  "parameter \"" + parameter.name + "\" was neither loaded nor initialised");
    }
  }
}

void ParameterStore::allocate_moments() {
  for (StoredParameter& parameter : stored_) {
    const at::Tensor like = parameter.value.detach();
    parameter.exp_avg = at::zeros_like(like);
    parameter.exp_avg_sq = at::zeros_like(like);
  }
}

int64_t ParameterStore::bytes() const {
  int64_t total = 0;  // value, gradient and two moments
  for (const StoredParameter& parameter : stored_) {
    const int64_t copies = !parameter.exp_avg.defined() ? 1 : parameter.rows != nullptr ? 3 : 4;
    total += copies * parameter.value.numel() * static_cast<int64_t>(sizeof(float));
    if (parameter.int8 != nullptr) total += parameter.int8->bytes();
  }
  return total;
}

}  // namespace finetag
