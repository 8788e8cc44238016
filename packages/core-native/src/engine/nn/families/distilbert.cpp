#include <ATen/ops/relu.h>

#include "engine/nn/families/families.h"

namespace finetag {

/// Hugging Face's DistilBertForSequenceClassification (Sanh et al. 2019): BERT without token types and
/// pooler. The attention's output is not dropped, as there.
FamilyPlan plan_distilbert(const ModelConfig& config) {
  EncoderPlan encoder;
  encoder.embeddings = "distilbert.embeddings";
  encoder.names = {{"attention.q_lin", "attention.k_lin", "attention.v_lin"},
                   "attention.out_lin",
                   "sa_layer_norm",
                   "ffn.lin1",
                   "ffn.lin2",
                   "output_layer_norm"};
  encoder.dropout = {config.attention_probs_dropout_prob, 0.0, config.hidden_dropout_prob};
  for (int64_t i = 0; i < config.num_hidden_layers; ++i)
    encoder.layers.push_back("distilbert.transformer.layer." + std::to_string(i));
  return {encoder, Pooling::kFirstToken, {"pre_classifier", "classifier", at::relu, false}};
}

}  // namespace finetag
