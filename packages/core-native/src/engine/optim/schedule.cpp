#include "engine/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace finetag {

double learning_rate(const TrainingConfig& config, int64_t step) {
  if (step < config.warmup_steps) {
    return config.learning_rate *
           (static_cast<double>(step) / static_cast<double>(std::max<int64_t>(1, config.warmup_steps)));
  }
  const int64_t decay_steps = std::max<int64_t>(1, config.total_steps - config.warmup_steps);
  switch (config.schedule) {
    case Schedule::kLinear:
      return config.learning_rate *
             std::max(0.0, static_cast<double>(config.total_steps - step) / static_cast<double>(decay_steps));
    case Schedule::kCosine: {
      const double progress =
          static_cast<double>(step - config.warmup_steps) / static_cast<double>(decay_steps);
      return config.learning_rate * std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
    }
    case Schedule::kConstant:
      break;
  }
  return config.learning_rate;
}

}  // namespace finetag
