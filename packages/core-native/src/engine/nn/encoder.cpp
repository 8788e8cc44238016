// Shape letters: B texts, T tokens of all texts together, E features of the embeddings, H of the layers,
// I intermediate features.
#include "engine/nn/encoder.h"

#include <numeric>

#include "engine/core/cancel.h"
#include "engine/ops/linear.h"

namespace finetag {

Embeddings::Embeddings(ParameterStore& store, const std::string& prefix, const EmbeddingNames& names,
                       const ModelConfig& config)
    : dropout_(config.hidden_dropout_prob) {
  const int64_t E = config.embedding_width();
  const auto add = [&](const std::string& name, int64_t rows, int64_t padding_row) {
    return EmbeddingTable{
        store.add(prefix + "." + name + ".weight", {rows, E}, ParameterRole::kWeight, padding_row),
        padding_row};
  };
  weights_.words = add(names.words, config.vocab_size, config.pad_token_id);
  weights_.words_gradient = store.add_row_gradient();
  std::optional<EmbeddingTable> positions;
  if (!names.positions.empty()) {
    positions = add(names.positions, config.max_position_embeddings,
                    config.positions_follow_padding() ? config.pad_token_id : -1);
  }
  if (config.type_vocab_size > 0) {
    weights_.others.push_back({add(names.token_types, config.type_vocab_size, -1), &Batch::token_types_T});
  }
  if (positions) weights_.others.push_back({*positions, &Batch::positions_T});
  if (config.task_type_vocab_size > 0) {
    weights_.others.push_back({add(names.task_types, config.task_type_vocab_size, -1), &Batch::task_types_T});
  }
  weights_.norm = LayerNorm(store, prefix + "." + names.norm, E, config.layer_norm_eps);
}

at::Tensor Embeddings::forward(const Batch& batch, ForwardContext& context) const {
  return embed(batch, weights_, context.next_dropout(dropout_), context.fused);
}

EncoderLayer::EncoderLayer(ParameterStore& store, const std::string& prefix, const LayerNames& names,
                           const LayerDropout& dropout, const ModelConfig& config)
    : heads_(config.num_attention_heads), activation_(config.hidden_act), dropout_(dropout) {
  const int64_t H = config.hidden_size, I = config.intermediate_size;
  const auto at = [&](const std::string& name) { return prefix + "." + name; };
  std::vector<std::string> query_key_value;
  for (const std::string& name : names.query_key_value) query_key_value.push_back(at(name));
  attention_.query_key_value = Linear(store, query_key_value, H, 3 * H);
  attention_.output = Linear(store, at(names.attention_output), H, H);
  attention_.norm = LayerNorm(store, at(names.attention_norm), H, config.layer_norm_eps);
  feed_forward_.intermediate = Linear(store, at(names.intermediate), H, I);
  feed_forward_.output = Linear(store, at(names.output), I, H);
  feed_forward_.norm = LayerNorm(store, at(names.output_norm), H, config.layer_norm_eps);
}

at::Tensor EncoderLayer::forward(const at::Tensor& x_TH, const Batch& batch, ForwardContext& context,
                                 bool first_only) const {
  const Dropout probabilities = context.next_dropout(dropout_.probabilities);
  const AttentionOptions options{heads_, probabilities, context.next_dropout(dropout_.attention_output),
                                 first_only};
  const at::Tensor attended_RH = attention_sublayer(x_TH, attention_, batch, options, context.fused);
  return feed_forward_sublayer(attended_RH, feed_forward_, activation_, context.next_dropout(dropout_.output),
                               context.fused);
}

Encoder::Encoder(ParameterStore& store, const EncoderPlan& plan, const ModelConfig& config)
    : embeddings_(store, plan.embeddings, plan.embedding_names, config), passes_(plan.passes) {
  if (!plan.projection.empty())
    projection_.emplace(store, plan.projection, config.embedding_width(), config.hidden_size);
  layers_.reserve(plan.layers.size());
  for (const std::string& layer : plan.layers)
    layers_.emplace_back(store, layer, plan.names, plan.dropout, config);
  if (passes_.empty()) {
    passes_.resize(layers_.size());
    std::iota(passes_.begin(), passes_.end(), size_t{0});
  }
}

at::Tensor Encoder::forward(const Batch& batch, ForwardContext& context, bool first_only) const {
  at::Tensor x = embeddings_.forward(batch, context);
  if (projection_) x = linear(x, *projection_, context.fused);
  for (size_t i = 0; i < passes_.size(); ++i) {
    CancelScope::check();
    const bool is_last = i + 1 == passes_.size();
    x = layers_[passes_[i]].forward(x, batch, context, first_only && is_last);
    // The backward pass looks as well, on whatever thread it runs.
    if (x.requires_grad()) {
      x.register_hook([flag = CancelScope::flag()](const at::Tensor&) { CancelScope::check(flag); });
    }
  }
  return x;
}

EncoderPlan bert_encoder(const std::string& base, const ModelConfig& config) {
  EncoderPlan plan;
  plan.embeddings = base + ".embeddings";
  plan.names = {{"attention.self.query", "attention.self.key", "attention.self.value"},
                "attention.output.dense",
                "attention.output.LayerNorm",
                "intermediate.dense",
                "output.dense",
                "output.LayerNorm"};
  plan.dropout = {config.attention_probs_dropout_prob, config.hidden_dropout_prob,
                  config.hidden_dropout_prob};
  for (int64_t i = 0; i < config.num_hidden_layers; ++i)
    plan.layers.push_back(base + ".encoder.layer." + std::to_string(i));
  return plan;
}

}  // namespace finetag
