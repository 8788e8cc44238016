// The product of few rows against its formula in double precision; as attention_test.cpp.
#include <cmath>
#include <vector>

#include "check.h"
#include "kernel_helpers.h"

using namespace finetag;
using namespace finetag::test;

TEST(few_rows_times_weights_equal_their_formula) {
  for (const int64_t rows : {1, 2, 5, 6, 7, 13, 19, 64}) {
    for (const int64_t depth : {1, 7, 16, 33, 312, 384}) {
      for (const int64_t outputs : {1, 3, 4, 10, 31, 48}) {
        const auto x = random_values(rows * depth), weight = random_values(outputs * depth);
        std::vector<float> y(rows * outputs, NAN);
        const FewRowsProduct product{rows, depth, outputs, x.data(), weight.data(), y.data(), 2};
        // In two calls, as two threads make them.
        const int64_t groups = (outputs + kFewRowsOutputs - 1) / kFewRowsOutputs;
        kernels().few_rows_product(product, 0, groups / 2);
        kernels().few_rows_product(product, groups / 2, groups);
        double worst = 0;
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t o = 0; o < outputs; ++o) {
            double sum = 0;
            for (int64_t k = 0; k < depth; ++k)
              sum += static_cast<double>(x[r * depth + k]) * weight[o * depth + k];
            const double error = std::abs(y[r * outputs + o] - sum);
            worst = error <= worst ? worst : error;  // a NaN stays
          }
        }
        REQUIRE(worst < 2e-5);  // of a sum of up to 384 terms of size 1
      }
    }
  }
}

TEST(few_rows_give_the_same_bits_alone_and_together) {
  constexpr int64_t kRows = 19, kDepth = 384, kOutputs = 31;
  const auto x = random_values(kRows * kDepth), weight = random_values(kOutputs * kDepth);
  std::vector<float> together(kRows * kOutputs), alone(kOutputs);
  const int64_t groups = (kOutputs + kFewRowsOutputs - 1) / kFewRowsOutputs;
  kernels().few_rows_product({kRows, kDepth, kOutputs, x.data(), weight.data(), together.data()}, 0, groups);
  for (int64_t r = 0; r < kRows; ++r) {
    kernels().few_rows_product({1, kDepth, kOutputs, x.data() + r * kDepth, weight.data(), alone.data()}, 0,
                               groups);
    for (int64_t o = 0; o < kOutputs; ++o) REQUIRE(alone[o] == together[r * kOutputs + o]);
  }
}
