// The kernels that go row by row, against their formulas in double precision; as attention_test.cpp.
#include <cmath>
#include <utility>
#include <vector>

#include "check.h"
#include "engine/core/config.h"
#include "engine/core/philox.h"
#include "kernel_helpers.h"

using namespace finetag;
using namespace finetag::test;

namespace {

constexpr double kTolerance = 2e-5;  // of sums of up to 384 terms of size 1
const std::vector<int64_t> kFeatures = {1, 7, 16, 33, 64, 312, 384};
const std::vector<int64_t> kRows = {1, 3, 33, 70};

int64_t chunks_of(int64_t rows) { return (rows + kChunkRows - 1) / kChunkRows; }

/// What dropout multiplies the elements of a row with.
std::vector<float> factors_of(int64_t rows, int64_t features, const DropoutMask& mask) {
  const std::vector<float> ones(rows * features, 1.0f);
  std::vector<float> factors(rows * features);
  kernels().dropout(ones.data(), factors.data(), features, mask, 0, rows);
  return factors;
}

/// Rates of dropout, with and without biases.
const std::vector<std::pair<double, bool>> kDropoutAndBias = {{0.0, true}, {0.2, true}, {0.2, false}};

/// For the formula, no bias is zeros; the kernel is then given none.
std::vector<float> bias_values(int64_t count, bool biased) {
  return biased ? random_values(count) : std::vector<float>(count);
}

struct Norm {
  std::vector<double> xhat;
  double rstd;
};

Norm norm_row(const std::vector<double>& row, double epsilon) {
  double mean = 0, variance = 0;
  for (const double x : row) mean += x / static_cast<double>(row.size());
  for (const double x : row) variance += (x - mean) * (x - mean) / static_cast<double>(row.size());
  Norm norm{{}, 1 / std::sqrt(variance + epsilon)};
  for (const double x : row) norm.xhat.push_back((x - mean) * norm.rstd);
  return norm;
}

std::vector<double> norm_grad(const Norm& norm, const std::vector<double>& grad_xhat) {
  double first = 0, second = 0;
  const auto n = static_cast<double>(grad_xhat.size());
  for (size_t i = 0; i < grad_xhat.size(); ++i) {
    first += grad_xhat[i] / n;
    second += grad_xhat[i] * norm.xhat[i] / n;
  }
  std::vector<double> grad;
  for (size_t i = 0; i < grad_xhat.size(); ++i)
    grad.push_back(norm.rstd * (grad_xhat[i] - first - norm.xhat[i] * second));
  return grad;
}

}  // namespace

TEST(dropout_draws_the_word_of_its_row_site_and_step) {
  // Element i of a row has word i / 16 % 4 of the row's counter 16 * (i / 64) + i % 16.
  const DropoutKey keys[] = {{1, 2, 3, 4}, {5, 2, 3, 4}, {1, 6, 3, 4}, {1, 2, 7, 4}, {1, 2, 3, 8}};
  for (const DropoutKey& key : keys) {
    const DropoutMask mask{key, 1u << 30, 4.0f / 3.0f};
    for (const int64_t H : kFeatures) {
      const int64_t rows = 70, blocks = (H + 63) / 64;
      const std::vector<float> factors = factors_of(rows, H, mask);
      for (int64_t row = 0; row < rows; ++row) {
        for (int64_t i = 0; i < H; ++i) {
          const auto counter = static_cast<uint32_t>((row * blocks + i / 64) * 16 + i % 16);
          const auto words = Philox::block({counter, 0, key.site, key.micro_batch}, key.seed, key.step);
          const bool kept = words[i / 16 % 4] >= mask.threshold;
          REQUIRE(factors[row * H + i] == (kept ? mask.scale : 0.0f));
        }
      }
    }
  }
}

TEST(attention_draws_other_words_for_each_text_and_head) {
  const DropoutMask mask{{1, 2, 3, 4}, 1u << 31, 2.0f};
  constexpr int64_t kCount = 4096;
  std::vector<float> factors(2 * kCount);
  for (const int64_t pair : {0, 1, 7}) {
    kernels().attention_factors(mask, pair, kCount, factors.data());
    kernels().attention_factors(mask, pair + 1, kCount, factors.data() + kCount);
    int64_t kept = 0, both = 0;
    for (int64_t i = 0; i < kCount; ++i) {
      kept += factors[i] != 0;
      both += factors[i] != 0 && factors[kCount + i] != 0;
    }
    // A half and a quarter of them, within five standard deviations.
    REQUIRE(std::abs(static_cast<double>(kept) - kCount / 2.0) < 5 * std::sqrt(kCount / 4.0));
    REQUIRE(std::abs(static_cast<double>(both) - kCount / 4.0) < 5 * std::sqrt(kCount * 3.0 / 16.0));
  }
}

TEST(dropout_residual_and_norm_equal_their_formula) {
  constexpr float kEpsilon = 1e-2f;  // large, so that a row of one element has a gradient of ordinary size
  for (const int64_t H : kFeatures) {
    for (const int64_t R : kRows) {
      for (const auto& [p, biased] : kDropoutAndBias) {
        const auto x = random_values(R * H), residual = random_values(R * H), weight = random_values(H),
                   bias = bias_values(H, biased), shift = bias_values(H, biased),
                   grad_y = random_values(R * H);
        const DropoutMask mask = mask_of(p);
        const std::vector<float> factors = factors_of(R, H, mask);
        const int64_t C = chunks_of(R);
        std::vector<float> total(R * H), mean(R), rstd(R), y(R * H), grad_residual(R * H), grad_x(R * H),
            chunks(C * 3 * H), sums(3 * H);
        kernels().residual_norm({H, x.data(), biased ? bias.data() : nullptr, residual.data(), weight.data(),
                                 biased ? shift.data() : nullptr, kEpsilon, mask, total.data(), mean.data(),
                                 rstd.data(), y.data()},
                                0, R);
        for (int64_t c = 0; c < C; ++c) {
          kernels().residual_norm_grad(
              {H, grad_y.data(), total.data(), mean.data(), rstd.data(), weight.data(), mask,
               grad_residual.data(), grad_x.data(), chunks.data()},
              R, c);
        }
        kernels().column_sums(chunks.data(), C, 3 * H, false, sums.data(), 0, 3 * H);
        std::vector<double> expected(3 * H);
        for (int64_t r = 0; r < R; ++r) {
          std::vector<double> row, grad_xhat;
          for (int64_t i = 0; i < H; ++i) {
            const int64_t at = r * H + i;
            row.push_back((static_cast<double>(x[at]) + bias[i]) * factors[at] + residual[at]);
            grad_xhat.push_back(static_cast<double>(grad_y[at]) * weight[i]);
          }
          const Norm norm = norm_row(row, kEpsilon);
          const std::vector<double> grad = norm_grad(norm, grad_xhat);
          for (int64_t i = 0; i < H; ++i) {
            const int64_t at = r * H + i;
            REQUIRE_NEAR(y[at], norm.xhat[i] * weight[i] + shift[i], kTolerance);
            REQUIRE_NEAR(grad_residual[at], grad[i], kTolerance);
            REQUIRE_NEAR(grad_x[at], grad[i] * factors[at], kTolerance);
            expected[i] += grad_y[at] * norm.xhat[i];
            expected[H + i] += grad_y[at];
            expected[2 * H + i] += grad[i] * factors[at];
          }
        }
        for (int64_t i = 0; i < 3 * H; ++i) REQUIRE_NEAR(sums[i], expected[i], 10 * kTolerance);
      }
    }
  }
}

TEST(embedding_and_norm_equal_their_formula) {
  constexpr float kEpsilon = 1e-2f;
  for (const int64_t H : kFeatures) {
    for (const int64_t T : kRows) {
      for (const auto& [p, biased] : kDropoutAndBias) {
        const auto table = random_values(9 * H), weight = random_values(H), shift = bias_values(H, biased),
                   grad_y = random_values(T * H);
        std::vector<int32_t> ids[3];
        for (int64_t t = 0; t < 3 * T; ++t) ids[t % 3].push_back(static_cast<int32_t>(t * 7 % 9));
        const DropoutMask mask = mask_of(p);
        const std::vector<float> factors = factors_of(T, H, mask);
        const int64_t C = chunks_of(T);
        std::vector<float> total(T * H), mean(T), rstd(T), y(T * H), grad_total(T * H), chunks(C * 2 * H);
        kernels().embedding_norm({H,
                                  3,
                                  {table.data(), table.data(), table.data()},
                                  {ids[0].data(), ids[1].data(), ids[2].data()},
                                  weight.data(),
                                  biased ? shift.data() : nullptr,
                                  kEpsilon,
                                  mask,
                                  total.data(),
                                  mean.data(),
                                  rstd.data(),
                                  y.data()},
                                 0, T);
        for (int64_t c = 0; c < C; ++c) {
          kernels().embedding_norm_grad({H, grad_y.data(), total.data(), mean.data(), rstd.data(),
                                         weight.data(), mask, grad_total.data(), chunks.data()},
                                        T, c);
        }
        for (int64_t t = 0; t < T; ++t) {
          std::vector<double> row, grad_xhat;
          for (int64_t i = 0; i < H; ++i) {
            double sum = 0;
            for (const auto& table_ids : ids) sum += table[table_ids[t] * H + i];
            row.push_back(sum);
            grad_xhat.push_back(static_cast<double>(grad_y[t * H + i]) * factors[t * H + i] * weight[i]);
          }
          const Norm norm = norm_row(row, kEpsilon);
          const std::vector<double> grad = norm_grad(norm, grad_xhat);
          for (int64_t i = 0; i < H; ++i) {
            REQUIRE_NEAR(y[t * H + i], (norm.xhat[i] * weight[i] + shift[i]) * factors[t * H + i],
                         kTolerance);
            REQUIRE_NEAR(grad_total[t * H + i], grad[i], kTolerance);
          }
        }
      }
    }
  }
}

TEST(bias_and_activation_equal_their_formula) {
  const auto value = [](Activation activation, double x) {
    switch (activation) {
      case Activation::kGelu:
        return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
      case Activation::kGeluTanh:
        return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
      case Activation::kRelu:
        return x > 0 ? x : 0.0;
      case Activation::kSilu:
        break;
    }
    return x / (1 + std::exp(-x));
  };
  for (const Activation activation :
       {Activation::kGelu, Activation::kGeluTanh, Activation::kRelu, Activation::kSilu}) {
    for (const int64_t I : kFeatures) {
      for (const int64_t R : kRows) {
        const bool biased = R != 3;
        auto x = random_values(R * I);
        for (float& v : x) v *= 6;
        const auto bias = bias_values(I, biased), grad_y = random_values(R * I);
        const float* given = biased ? bias.data() : nullptr;
        const int64_t C = chunks_of(R);
        std::vector<float> y(R * I), again(R * I), grad = grad_y, chunks(C * I);
        kernels().bias_activation({I, activation, x.data(), given, y.data()}, 0, R);
        for (int64_t c = 0; c < C; ++c) {
          kernels().bias_activation_grad(
              {I, activation, x.data(), given, again.data(), grad.data(), chunks.data()}, R, c);
        }
        for (int64_t at = 0; at < R * I; ++at) {
          const double in = static_cast<double>(x[at]) + bias[at % I];
          REQUIRE_NEAR(y[at], value(activation, in), 1e-6);
          REQUIRE_NEAR(again[at], y[at], 1e-6);
          if (activation == Activation::kRelu && std::abs(in) < 1e-3) continue;  // a corner has no slope
          const double step = 1e-5,
                       slope = (value(activation, in + step) - value(activation, in - step)) / (2 * step);
          REQUIRE_NEAR(grad[at], grad_y[at] * slope, 2e-6);
        }
      }
    }
  }
}

TEST(loss_and_sums_stay_inside_their_arrays) {
  for (const int64_t L : kFeatures) {
    const auto logits = random_values(3 * L);
    const std::vector<float> labels(3 * L, 1.0f), mask(3 * L, 0.5f);
    std::vector<float> grad(3 * L), sums(L, 1.0f);
    std::vector<double> loss(3);
    kernels().bce_with_logits({L, logits.data(), labels.data(), mask.data(), grad.data(), loss.data()}, 0, 3);
    double expected = 0, squares = 0, column = 1;
    for (int64_t l = 0; l < L; ++l) expected += 0.5 * std::log1p(std::exp(-static_cast<double>(logits[l])));
    for (const float x : logits) squares += static_cast<double>(x) * x;
    for (int r = 0; r < 3; ++r) column += logits[r * L];
    REQUIRE_NEAR(loss[0], expected, 5e-7 * expected);
    REQUIRE_NEAR(grad[L - 1], 0.5 * (1 / (1 + std::exp(-static_cast<double>(logits[L - 1]))) - 1), 1e-6);
    kernels().column_sums(logits.data(), 3, L, true, sums.data(), 0, L);
    REQUIRE_NEAR(sums[0], column, 1e-6);
    REQUIRE_NEAR(kernels().square_sum(logits.data(), 3 * L), squares, 1e-3);
  }
}

TEST(loss_of_each_logit_equals_its_formula_far_from_zero_too) {
  for (const float x : {0.0f, 1e-4f, -0.5f, 3.0f, -12.0f, 20.0f, -90.0f, 1e4f}) {
    for (const float label : {0.0f, 1.0f}) {
      double loss = 0;
      kernels().bce_with_logits({1, &x, &label, nullptr, nullptr, &loss}, 0, 1);
      const double exact =
          std::log1p(std::exp(-std::abs(static_cast<double>(x)))) + (x > 0 ? x : 0) - x * label;
      REQUIRE_NEAR(loss, exact, 4e-7 * exact + 1e-37);
    }
  }
}
