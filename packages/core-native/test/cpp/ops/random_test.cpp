#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>

#include "check.h"
#include "engine/core/error.h"
#include "engine/core/philox.h"
#include "engine/ops/random/dropout.h"

using namespace finetag;

// Known answers of Random123's kat_vectors for philox4x32-10.
TEST(philox_known_answers) {
  const auto zero = Philox::block({0, 0, 0, 0}, 0, 0);
  REQUIRE(zero[0] == 0x6627e8d5u && zero[1] == 0xe169c58du && zero[2] == 0xbc57ac4cu &&
          zero[3] == 0x9b00dbd8u);
  const auto ones = Philox::block({~0u, ~0u, ~0u, ~0u}, ~0u, ~0u);
  REQUIRE(ones[0] == 0x408f276du && ones[1] == 0x41c83b0eu && ones[2] == 0xa20bc7c6u &&
          ones[3] == 0x6d5451fdu);
  const auto pi =
      Philox::block({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, 0xa4093822u, 0x299f31d0u);
  REQUIRE(pi[0] == 0xd16cfe09u && pi[1] == 0x94fdccebu && pi[2] == 0x5001e420u && pi[3] == 0x24126ea1u);
}

TEST(dropout_rate_and_mean) {
  const int64_t n = 1'000'003;
  for (const double p : {0.1, 0.5, 0.9}) {
    const at::Tensor y = dropout(at::ones({n}), p, {1, 2, 3, 4});
    const double kept = static_cast<double>(y.count_nonzero().item<int64_t>()) / n;
    const double deviation = std::sqrt(p * (1 - p) / n);
    REQUIRE_NEAR(kept, 1 - p, 5 * deviation);
    REQUIRE_NEAR(y.mean().item<double>(), 1.0, 5 * deviation / (1 - p));
  }
}

TEST(dropout_same_bits_for_any_threads) {
  const at::Tensor x = at::ones({4000, 96});  // many pieces of many rows
  at::set_num_threads(1);
  const at::Tensor one = dropout(x, 0.3, {9, 8, 7, 6});
  at::set_num_threads(2);
  const at::Tensor two = dropout(x, 0.3, {9, 8, 7, 6});
  REQUIRE(one.equal(two));
}

TEST(dropout_keys_are_independent) {
  const int64_t n = 200'000;
  const at::Tensor x = at::ones({n});
  const at::Tensor base = dropout(x, 0.5, {1, 1, 1, 1});
  const DropoutKey others[] = {{2, 1, 1, 1}, {1, 2, 1, 1}, {1, 1, 2, 1}, {1, 1, 1, 2}};
  for (const DropoutKey& key : others) {
    // Both kept: probability 1/4, each kept value is 2, so the mean product is 1.
    REQUIRE_NEAR((base * dropout(x, 0.5, key)).mean().item<double>(), 1.0, 5 * std::sqrt(3.0 / n));
  }
  const at::Tensor shifted = base.narrow(0, 1, n - 1) * base.narrow(0, 0, n - 1);
  REQUIRE_NEAR(shifted.mean().item<double>(), 1.0, 5 * std::sqrt(3.0 / n) + 1e-9);
}

TEST(dropout_gradient_has_the_same_mask) {
  at::Tensor x = at::full({777}, 3.0).set_requires_grad(true);
  const at::Tensor y = dropout(x, 0.4, {5, 5, 5, 5});
  y.sum().backward();
  REQUIRE(y.detach().equal(x.grad() * 3.0));
}

TEST(dropout_off_is_identity) {
  const at::Tensor x = at::ones({5});
  REQUIRE(dropout(x, 0.0, {1, 1, 1, 1}).is_same(x));
}
