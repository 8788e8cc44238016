// Shape letters: B texts, T tokens of all texts together, H features, I intermediate features.
#include "engine/nn/encoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linear.h>

#include "engine/core/cancel.h"
#include "engine/ops/attention.h"

namespace finetag {

Embeddings::Embeddings(ParameterStore& store, const std::string& prefix, const ModelConfig& config)
    : word_padding_(config.pad_token_id),
      position_padding_(config.family == Family::kRoberta ? config.pad_token_id : -1),
      dropout_(config.hidden_dropout_prob),
      words_(store.add(prefix + ".word_embeddings.weight", {config.vocab_size, config.hidden_size},
                       ParameterRole::kWeight, word_padding_)),
      positions_(store.add(prefix + ".position_embeddings.weight",
                           {config.max_position_embeddings, config.hidden_size}, ParameterRole::kWeight,
                           position_padding_)),
      types_(store.add(prefix + ".token_type_embeddings.weight", {config.type_vocab_size, config.hidden_size},
                       ParameterRole::kWeight)),
      norm_(store, prefix + ".LayerNorm", config.hidden_size, config.layer_norm_eps) {}

at::Tensor Embeddings::forward(const Batch& batch, ForwardContext& context) const {
  // As in Hugging Face, the padding row gets no gradient even where its id stands in a text.
  const at::Tensor words_TH = at::embedding(words_, batch.ids_T, word_padding_);
  const at::Tensor types_TH = at::embedding(types_, batch.token_types_T);
  const at::Tensor positions_TH = at::embedding(positions_, batch.positions_T, position_padding_);
  return context.drop(norm_(words_TH + types_TH + positions_TH), dropout_);
}

EncoderLayer::EncoderLayer(ParameterStore& store, const std::string& prefix, const ModelConfig& config)
    : config_(config),
      query_key_value_(store,
                       {prefix + ".attention.self.query", prefix + ".attention.self.key",
                        prefix + ".attention.self.value"},
                       config.hidden_size, config.hidden_size),
      attention_output_(store, prefix + ".attention.output.dense", config.hidden_size, config.hidden_size),
      attention_norm_(store, prefix + ".attention.output.LayerNorm", config.hidden_size,
                      config.layer_norm_eps),
      intermediate_(store, prefix + ".intermediate.dense", config.hidden_size, config.intermediate_size),
      output_(store, prefix + ".output.dense", config.intermediate_size, config.hidden_size),
      output_norm_(store, prefix + ".output.LayerNorm", config.hidden_size, config.layer_norm_eps) {}

at::Tensor EncoderLayer::forward(const at::Tensor& x_TH, const Batch& batch, ForwardContext& context,
                                 bool first_only) const {
  const int64_t H = config_.hidden_size;
  AttentionOptions options{config_.num_attention_heads,
                           context.training ? config_.attention_probs_dropout_prob : 0.0, context.next_key()};

  at::Tensor residual_XH, query_XH, key_value_T2H;
  if (first_only) {
    const auto part = [](const at::Tensor& whole, int64_t from, int64_t rows) {
      return whole.narrow(0, from, rows);
    };
    residual_XH = at::index_select(x_TH, 0, batch.first_token_B);
    query_XH =
        at::linear(residual_XH, part(query_key_value_.weight, 0, H), part(query_key_value_.bias, 0, H));
    key_value_T2H =
        at::linear(x_TH, part(query_key_value_.weight, H, 2 * H), part(query_key_value_.bias, H, 2 * H));
  } else {
    const at::Tensor query_key_value_T3H = query_key_value_(x_TH);
    residual_XH = x_TH;
    query_XH = query_key_value_T3H.narrow(1, 0, H);
    key_value_T2H = query_key_value_T3H.narrow(1, H, 2 * H);
  }

  const at::Tensor context_XH = attention(query_XH, key_value_T2H, batch, options);
  const at::Tensor attended_XH =
      attention_norm_(context.drop(attention_output_(context_XH), config_.hidden_dropout_prob) + residual_XH);
  const at::Tensor intermediate_XI = activate(intermediate_(attended_XH), config_.hidden_act);
  return output_norm_(context.drop(output_(intermediate_XI), config_.hidden_dropout_prob) + attended_XH);
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
