// Shape letters: M, N, K as in C [M, N] = A [M, K] B [K, N].
#include "engine/ops/product/matrix_product.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "engine/ops/fused.h"

namespace finetag {

namespace {

/// Tiles of columns in a task: as many as leave B's part of a depth block in half a second-level cache of 1
/// MiB.
constexpr int64_t kTilesPerTask = 2;
/// Panels of A that one task packs at least.
constexpr int64_t kPanelsPerTask = 8;

MatrixView view(const at::Tensor& x) { return {data(x), x.stride(0), x.stride(1)}; }

}  // namespace

bool prefers_own_product() {
  // MKL keeps its best kernels for Intel's processors (pnpm bench:roofline measures both; ADR 9).
#if defined(__x86_64__)
  static const bool chosen = !__builtin_cpu_is("intel") && std::strcmp(kernels().name, "baseline") != 0;
  return chosen;
#else
  return false;
#endif
}

void own_matrix_product(const at::Tensor& c_MN, const at::Tensor& a_MK, const at::Tensor& b_KN,
                        bool accumulate) {
  const int64_t M = a_MK.size(0), K = a_MK.size(1), N = b_KN.size(1);
  const Kernels& k = kernels();
  const MatrixProduct product{M,         N, K, view(a_MK), view(b_KN), mutable_data(c_MN), c_MN.stride(0),
                              accumulate};
  const int64_t panels = at::divup(M, k.tile_rows);
  at::Tensor packed;
  if (product.a.row == 1) {
    packed = at::empty({panels * k.tile_rows * K}, c_MN.options());
    at::parallel_for(0, panels, kPanelsPerTask, [&](int64_t begin, int64_t end) {
      k.pack_product(product, begin, end, mutable_data(packed));
    });
  }

  // Threads take tasks as they are done with those before. Where there are fewer strips of columns than
  // threads can use, each strip is parted by rows as well.
  const int64_t threads = at::get_num_threads(), width = kTilesPerTask * k.tile_columns;
  const int64_t strips = at::divup(N, width);
  const int64_t parts = std::min(panels, at::divup(2 * threads, strips));
  const int64_t tasks = strips * parts;
  std::atomic<int64_t> next{0};
  at::parallel_for(0, std::min(threads, tasks), 1, [&](int64_t, int64_t) {
    for (int64_t task = next++; task < tasks; task = next++) {
      const int64_t strip = task / parts, part = task % parts;
      k.matrix_product(product, packed.defined() ? data(packed) : nullptr,
                       {panels * part / parts, panels * (part + 1) / parts, strip * width,
                        std::min((strip + 1) * width, N)});
    }
  });
}

void matrix_product(const at::Tensor& c_MN, const at::Tensor& a_MK, const at::Tensor& b_KN, bool accumulate) {
  if (prefers_own_product()) {
    own_matrix_product(c_MN, a_MK, b_KN, accumulate);
  } else if (accumulate) {
    c_MN.addmm_(a_MK, b_KN);
  } else {
    at::Tensor out = c_MN;
    at::mm_out(out, a_MK, b_KN);
  }
}

at::Tensor matrix_product(const at::Tensor& a_MK, const at::Tensor& b_KN) {
  const at::Tensor c_MN = at::empty({a_MK.size(0), b_KN.size(1)}, a_MK.options());
  matrix_product(c_MN, a_MK, b_KN, /*accumulate=*/false);
  return c_MN;
}

}  // namespace finetag
