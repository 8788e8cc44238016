#include <ATen/ops/tanh.h>

#include "engine/nn/families/families.h"

namespace finetag {

/// Hugging Face's ErnieForSequenceClassification (Sun et al. 2020, 2021): BERT, from ERNIE 2.0 on with an
/// embedding of the task, which is task 0 in fine-tuning.
FamilyPlan plan_ernie(const ModelConfig& config) {
  return {bert_encoder("ernie", config),
          Pooling::kFirstToken,
          {"ernie.pooler.dense", "classifier", at::tanh, false}};
}

}  // namespace finetag
