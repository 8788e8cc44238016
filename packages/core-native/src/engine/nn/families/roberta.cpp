#include <ATen/ops/tanh.h>

#include "engine/nn/families/families.h"

namespace finetag {

/// Hugging Face's RobertaForSequenceClassification (Liu et al. 2019): BERT's encoder with other positions, no
/// pooler, a head of two layers with dropout before each.
FamilyPlan plan_roberta(const ModelConfig& config) {
  return {bert_encoder("roberta", config),
          Pooling::kFirstToken,
          {"classifier.dense", "classifier.out_proj", at::tanh, true}};
}

}  // namespace finetag
