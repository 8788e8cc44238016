#pragma once

#include <random>
#include <vector>

#include "engine/kernels/kernels.h"

namespace finetag::test {

/// Numbers in [-1, 1), each call others, each run the same.
inline std::vector<float> random_values(int64_t count) {
  static std::mt19937 random(5);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random() % 20'000) / 10'000.0f - 1.0f;
  return values;
}

inline DropoutMask mask_of(double p) {
  return {{1, 2, 3, 4}, static_cast<uint32_t>(p * 4294967296.0), static_cast<float>(1 / (1 - p))};
}

}  // namespace finetag::test
