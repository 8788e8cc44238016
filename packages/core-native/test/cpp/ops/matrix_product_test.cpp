// The product by the own kernel against libtorch's, with the work shared among threads.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>

#include <array>
#include <thread>

#include "check.h"
#include "engine/device/device.h"
#include "engine/ops/product/matrix_product.h"

using namespace finetag;
using namespace finetag::test;

namespace {

/// C before, and after C (+)= A B on so many threads; a thread of its own, since their number stays with it.
at::Tensor multiply(const at::Tensor& a, const at::Tensor& b, const at::Tensor& before, bool accumulate,
                    int threads) {
  at::Tensor c;
  std::thread([&] {
    set_thread_count(threads);
    c = before.clone();
    own_matrix_product(c, a, b, accumulate);
  }).join();
  return c;
}

void compare(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor before = at::randn({a.size(0), b.size(1)});
  const at::Tensor product = at::mm(a.to(at::kDouble), b.to(at::kDouble));
  // Of what is added: their sum may be near zero.
  const double scale = product.abs().max().item<double>() + before.abs().max().item<double>();
  for (const bool accumulate : {false, true}) {
    const at::Tensor expected = accumulate ? product + before : product;
    const at::Tensor c = multiply(a, b, before, accumulate, 1);
    // float32 keeps 24 bits, of sums of up to 800 terms.
    REQUIRE((c - expected).abs().max().item<double>() < 1e-6 * scale);
    for (const int threads : {2, 5}) REQUIRE(at::equal(c, multiply(a, b, before, accumulate, threads)));
  }
}

}  // namespace

TEST(own_products_equal_libtorchs_with_the_same_bits_for_any_number_of_threads) {
  for (const auto& [rows, columns, depth] :
       {std::array<int64_t, 3>{1, 1, 1}, {3, 20, 800}, {100, 97, 50}, {65, 400, 386}}) {
    const at::Tensor a = at::randn({rows, depth}), b = at::randn({depth, columns});
    compare(a, b);
    compare(a, b.t().contiguous().t());
    compare(a.t().contiguous().t(), b);
  }
}

TEST(own_products_take_and_fill_a_part_of_a_matrix) {
  const at::Tensor a = at::randn({40, 100}).narrow(1, 10, 60), b = at::randn({90, 70}).narrow(0, 20, 60);
  compare(a, b);
  const at::Tensor whole = at::randn({50, 70}), before = whole.clone();
  own_matrix_product(whole.narrow(0, 5, 40), a, b, /*accumulate=*/false);
  REQUIRE(at::equal(whole.narrow(0, 0, 5), before.narrow(0, 0, 5)));
  REQUIRE(at::equal(whole.narrow(0, 45, 5), before.narrow(0, 45, 5)));
  REQUIRE((whole.narrow(0, 5, 40) - at::mm(a, b)).abs().max().item<double>() < 1e-4);
}
