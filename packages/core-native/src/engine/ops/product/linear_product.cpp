#include "engine/ops/product/linear_product.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "engine/ops/fused.h"
#include "engine/ops/product/matrix_product.h"
#include "engine/ops/product/quantized.h"

namespace finetag {

namespace {

/// The most rows for which reading the weights in place is faster (pnpm bench:roofline measures all of them):
/// about 48 compared with MKL; about 40 compared with the own product of many rows, and 128 on Zen 4, whose
/// cores take two cycles for what a vector of AVX-512 takes one on Zen 5, and so wait less for the weights.
int64_t most_few_rows() {
  if (!prefers_own_product()) return 48;
#if defined(__x86_64__)
  static const bool is_zen4 = __builtin_cpu_is("amdfam19h") && std::strcmp(kernels().name, "avx512") == 0;
  if (is_zen4) return 128;
#endif
  return 40;
}

/// For one row, MKL has a product with a vector.
bool few(int64_t rows) { return rows <= most_few_rows() && (rows > 1 || prefers_own_product()); }

}  // namespace

at::Tensor few_rows_product(const at::Tensor& x_RI, const at::Tensor& weight_OI) {
  const int64_t R = x_RI.size(0), I = x_RI.size(1), O = weight_OI.size(0);
  at::Tensor y_RO = at::empty({R, O}, x_RI.options());
  const int64_t groups = at::divup(O, kFewRowsOutputs);
  // A piece reads about 64 KiB of weights. Threads take pieces as they are done with those before, since the
  // memory does not serve them evenly.
  const int64_t piece = std::max<int64_t>(1, 16384 / (I * kFewRowsOutputs));
  const int64_t threads = std::min<int64_t>(at::get_num_threads(), at::divup(groups, piece));
  // Weights are fetched as far ahead as a thread's next piece lies, if threads take them by turns: on an AMD
  // EPYC less and more are slower. An Intel Xeon was measured with two groups.
  const int64_t ahead = prefers_own_product() ? piece * threads : 2;
  const FewRowsProduct product{R, I, O, data(x_RI), data(weight_OI), mutable_data(y_RO), ahead};
  std::atomic<int64_t> next{0};
  at::parallel_for(0, threads, 1, [&](int64_t, int64_t) {
    for (int64_t from = next.fetch_add(piece); from < groups; from = next.fetch_add(piece))
      kernels().few_rows_product(product, from, std::min(from + piece, groups));
  });
  return y_RO;
}

at::Tensor linear_product(const at::Tensor& x_RI, const LinearWeights& layer) {
  return linear_product(x_RI, layer, 0, layer.int8 != nullptr ? layer.int8->rows() : layer.weight.size(0));
}

at::Tensor linear_product(const at::Tensor& x_RI, const LinearWeights& layer, int64_t row, int64_t rows) {
  if (layer.int8 != nullptr) return layer.int8->product(x_RI, row, rows);
  const at::Tensor weight_OI = layer.weight.detach().narrow(0, row, rows);
  if (few(x_RI.size(0))) return few_rows_product(x_RI, weight_OI);
  return matrix_product(x_RI, weight_OI.t());
}

}  // namespace finetag
