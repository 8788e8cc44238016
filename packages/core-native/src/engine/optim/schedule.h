#pragma once

#include "engine/core/config.h"

namespace finetag {

/// Learning rate of the step after `step` steps were taken, as Hugging Face's
/// get_{linear,cosine,constant}_schedule_with_warmup define it: the rate rises linearly from 0 at step 0,
/// then falls linearly to 0, or along half a cosine, or stays.
double learning_rate(const TrainingConfig& config, int64_t step);

}  // namespace finetag
