#include "engine/ops/linear_product.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <atomic>

#include "engine/ops/fused.h"
#include "engine/ops/matrix_product.h"
#include "engine/ops/quantized.h"

namespace finetag {

namespace {

/// From about 64 rows on, libtorch's product is the faster one, and for a single row its product with a
/// vector (pnpm bench:roofline measures both).
constexpr int64_t kFewRows = 48;

}  // namespace

at::Tensor few_rows_product(const at::Tensor& x_RI, const at::Tensor& weight_OI) {
  const int64_t R = x_RI.size(0), I = x_RI.size(1), O = weight_OI.size(0);
  at::Tensor y_RO = at::empty({R, O}, x_RI.options());
  const FewRowsProduct product{R, I, O, data(x_RI), data(weight_OI), mutable_data(y_RO)};
  const int64_t groups = (O + kFewRowsOutputs - 1) / kFewRowsOutputs;
  // A piece reads about 64 KiB of weights. Threads take pieces as they are done with those before, since the
  // memory does not serve them evenly.
  const int64_t piece = std::max<int64_t>(1, 16384 / (I * kFewRowsOutputs));
  const int64_t threads = std::min<int64_t>(at::get_num_threads(), (groups + piece - 1) / piece);
  std::atomic<int64_t> next{0};
  at::parallel_for(0, threads, 1, [&](int64_t, int64_t) {
    for (int64_t from = next.fetch_add(piece); from < groups; from = next.fetch_add(piece))
      kernels().few_rows_product(product, from, std::min(from + piece, groups));
  });
  return y_RO;
}

at::Tensor linear_product(const at::Tensor& x_RI, const LinearWeights& layer) {
  return linear_product(x_RI, layer, 0, layer.bias.size(0));
}

at::Tensor linear_product(const at::Tensor& x_RI, const LinearWeights& layer, int64_t row, int64_t rows) {
  if (layer.int8 != nullptr) return layer.int8->product(x_RI, row, rows);
  const at::Tensor weight_OI = layer.weight.detach().narrow(0, row, rows);
  if (const int64_t R = x_RI.size(0); 1 < R && R <= kFewRows) return few_rows_product(x_RI, weight_OI);
  return matrix_product(x_RI, weight_OI.t());
}

}  // namespace finetag
