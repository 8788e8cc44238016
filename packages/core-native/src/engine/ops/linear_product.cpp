#include "engine/ops/linear_product.h"

#include <ATen/ops/mm.h>

#include "engine/ops/quantized.h"

namespace finetag {

at::Tensor linear_product(const at::Tensor& x_RI, const LinearWeights& layer) {
  return linear_product(x_RI, layer, 0, layer.bias.size(0));
}

at::Tensor linear_product(const at::Tensor& x_RI, const LinearWeights& layer, int64_t row, int64_t rows) {
  if (layer.int8 != nullptr) return layer.int8->product(x_RI, row, rows);
  return at::mm(x_RI, layer.weight.detach().narrow(0, row, rows).t());
}

}  // namespace finetag
