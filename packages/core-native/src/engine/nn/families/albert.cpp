#include <ATen/ops/tanh.h>

#include "engine/nn/families/families.h"

namespace finetag {

/// Hugging Face's AlbertForSequenceClassification (Lan et al. 2020): embeddings narrower than the layers, and
/// layers that share their weights. num_hidden_layers passes are split evenly into groups; each pass runs all
/// inner layers of its group. The output of the feed-forward part is not dropped, as there.
FamilyPlan plan_albert(const ModelConfig& config) {
  EncoderPlan encoder;
  encoder.embeddings = "albert.embeddings";
  encoder.projection = "albert.encoder.embedding_hidden_mapping_in";
  encoder.names = {{"attention.query", "attention.key", "attention.value"},
                   "attention.dense",
                   "attention.LayerNorm",
                   "ffn",
                   "ffn_output",
                   "full_layer_layer_norm"};
  encoder.dropout = {config.attention_probs_dropout_prob, config.hidden_dropout_prob, 0.0};
  const int64_t groups = config.num_hidden_groups, inner = config.inner_group_num;
  for (int64_t group = 0; group < groups; ++group) {
    for (int64_t layer = 0; layer < inner; ++layer) {
      encoder.layers.push_back("albert.encoder.albert_layer_groups." + std::to_string(group) +
                               ".albert_layers." + std::to_string(layer));
    }
  }
  // In floating point, as there: of 10 layers in 3 groups, which rounds how matters.
  const double per_group = static_cast<double>(config.num_hidden_layers) / static_cast<double>(groups);
  for (int64_t pass = 0; pass < config.num_hidden_layers; ++pass) {
    const auto group = static_cast<int64_t>(static_cast<double>(pass) / per_group);
    for (int64_t layer = 0; layer < inner; ++layer) encoder.passes.push_back(group * inner + layer);
  }
  return {encoder, Pooling::kFirstToken, {"albert.pooler", "classifier", at::tanh, false}};
}

}  // namespace finetag
