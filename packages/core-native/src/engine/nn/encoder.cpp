// Shape letters: B texts, T tokens of all texts together, H features, I intermediate features.
#include "engine/nn/encoder.h"

#include "engine/core/cancel.h"

namespace finetag {

Embeddings::Embeddings(ParameterStore& store, const std::string& prefix, const ModelConfig& config)
    : dropout_(config.hidden_dropout_prob) {
  const int64_t H = config.hidden_size;
  const auto add = [&](const std::string& name, int64_t rows, int64_t padding_row) {
    return EmbeddingTable{
        store.add(prefix + name + ".weight", {rows, H}, ParameterRole::kWeight, padding_row), padding_row};
  };
  weights_.words = add(".word_embeddings", config.vocab_size, config.pad_token_id);
  weights_.words_gradient = store.add_row_gradient();
  weights_.positions = add(".position_embeddings", config.max_position_embeddings,
                           config.family == Family::kRoberta ? config.pad_token_id : -1);
  weights_.types = add(".token_type_embeddings", config.type_vocab_size, -1);
  weights_.norm = LayerNorm(store, prefix + ".LayerNorm", H, config.layer_norm_eps);
}

at::Tensor Embeddings::forward(const Batch& batch, ForwardContext& context) const {
  return embed(batch, weights_, context.next_dropout(dropout_), context.fused);
}

EncoderLayer::EncoderLayer(ParameterStore& store, const std::string& prefix, const ModelConfig& config)
    : config_(config) {
  const int64_t H = config.hidden_size, I = config.intermediate_size;
  const std::string self = prefix + ".attention.self.", output = prefix + ".attention.output.";
  attention_.query_key_value = Linear(store, {self + "query", self + "key", self + "value"}, H, H);
  attention_.output = Linear(store, output + "dense", H, H);
  attention_.norm = LayerNorm(store, output + "LayerNorm", H, config.layer_norm_eps);
  feed_forward_.intermediate = Linear(store, prefix + ".intermediate.dense", H, I);
  feed_forward_.output = Linear(store, prefix + ".output.dense", I, H);
  feed_forward_.norm = LayerNorm(store, prefix + ".output.LayerNorm", H, config.layer_norm_eps);
}

at::Tensor EncoderLayer::forward(const at::Tensor& x_TH, const Batch& batch, ForwardContext& context,
                                 bool first_only) const {
  const Dropout probabilities = context.next_dropout(config_.attention_probs_dropout_prob);
  const AttentionOptions options{config_.num_attention_heads, probabilities,
                                 context.next_dropout(config_.hidden_dropout_prob), first_only};
  const at::Tensor attended_RH = attention_sublayer(x_TH, attention_, batch, options, context.fused);
  return feed_forward_sublayer(attended_RH, feed_forward_, config_.hidden_act,
                               context.next_dropout(config_.hidden_dropout_prob), context.fused);
}

Encoder::Encoder(ParameterStore& store, const std::string& prefix, const ModelConfig& config)
    : embeddings_(store, prefix + ".embeddings", config) {
  layers_.reserve(config.num_hidden_layers);
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    layers_.emplace_back(store, prefix + ".encoder.layer." + std::to_string(i), config);
  }
}

at::Tensor Encoder::forward(const Batch& batch, ForwardContext& context) const {
  at::Tensor x = embeddings_.forward(batch, context);
  for (size_t i = 0; i < layers_.size(); ++i) {
    CancelScope::check();
    x = layers_[i].forward(x, batch, context, /*first_only=*/i + 1 == layers_.size());
    // The backward pass looks as well, on whatever thread it runs.
    if (x.requires_grad()) {
      x.register_hook([flag = CancelScope::flag()](const at::Tensor&) { CancelScope::check(flag); });
    }
  }
  return x;
}

}  // namespace finetag
