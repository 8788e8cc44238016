#include <ATen/ops/gelu.h>

#include "engine/nn/families/families.h"

namespace finetag {

/// Hugging Face's ElectraForSequenceClassification (Clark et al. 2020), for the discriminator: BERT's encoder
/// behind embeddings that may be narrower, and RoBERTa's head with the exact GELU.
FamilyPlan plan_electra(const ModelConfig& config) {
  EncoderPlan encoder = bert_encoder("electra", config);
  if (config.embedding_width() != config.hidden_size) encoder.projection = "electra.embeddings_project";
  const auto gelu = [](const at::Tensor& x) { return at::gelu(x); };
  return {encoder, Pooling::kFirstToken, {"classifier.dense", "classifier.out_proj", gelu, true}};
}

}  // namespace finetag
