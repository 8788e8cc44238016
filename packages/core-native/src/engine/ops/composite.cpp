#include "engine/ops/composite.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>

#include "engine/ops/product/quantized.h"

namespace finetag {

namespace {

at::Tensor int8_linear(const at::Tensor& x_RI, const LinearWeights& layer, int64_t row, int64_t rows) {
  const at::Tensor y_RO = layer.int8->product(x_RI, row, rows);
  return layer.bias.defined() ? y_RO + layer.bias.narrow(0, row, rows) : y_RO;
}

}  // namespace

at::Tensor composite_linear(const at::Tensor& x_RI, const LinearWeights& layer) {
  if (layer.int8 != nullptr) return int8_linear(x_RI, layer, 0, layer.int8->rows());
  return at::linear(x_RI, layer.weight, layer.bias);
}

at::Tensor composite_linear(const at::Tensor& x_RI, const LinearWeights& layer, int64_t row, int64_t rows) {
  if (layer.int8 != nullptr) return int8_linear(x_RI, layer, row, rows);
  const at::Tensor bias = layer.bias.defined() ? layer.bias.narrow(0, row, rows) : at::Tensor();
  return at::linear(x_RI, layer.weight.narrow(0, row, rows), bias);
}

at::Tensor composite_norm(const at::Tensor& x_RH, const NormWeights& norm) {
  return at::layer_norm(x_RH, {x_RH.size(-1)}, norm.weight, norm.bias, norm.epsilon);
}

}  // namespace finetag
