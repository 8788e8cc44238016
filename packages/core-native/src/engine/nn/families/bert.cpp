#include <ATen/ops/tanh.h>

#include "engine/nn/families/families.h"

namespace finetag {

/// Hugging Face's BertForSequenceClassification (Devlin et al. 2019): pooler, dropout, linear head.
FamilyPlan plan_bert(const ModelConfig& config) {
  return {bert_encoder("bert", config),
          Pooling::kFirstToken,
          {"bert.pooler.dense", "classifier", at::tanh, false}};
}

}  // namespace finetag
