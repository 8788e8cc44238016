#pragma once

#include <cstdint>
#include <string>

#include "engine/core/family.h"

namespace finetag {

enum class Activation { kGelu, kGeluTanh, kRelu, kSilu };
/// kInt8: products of the encoder's linear layers; forward only.
enum class Precision { kFloat32, kBfloat16, kInt8 };

/// Hugging Face's `config.json`, as far as the engine needs it.
struct ModelConfig {
  Family family = Family::kBert;
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t num_hidden_layers = 0;
  int64_t num_attention_heads = 0;
  int64_t intermediate_size = 0;
  Activation hidden_act = Activation::kGelu;
  int64_t max_position_embeddings = 0;
  int64_t type_vocab_size = 0;       // 0: the family has no token types (DistilBERT)
  int64_t task_type_vocab_size = 0;  // 0: no task embedding (all but ERNIE)
  /// Width of the embeddings where it differs from the layers' (ALBERT, ELECTRA); 0: hidden_size.
  int64_t embedding_size = 0;
  /// ALBERT's sharing: the layers are split into groups, and a group runs the same inner layers each time.
  int64_t num_hidden_groups = 1;
  int64_t inner_group_num = 1;
  double layer_norm_eps = 1e-12;
  int64_t pad_token_id = 0;
  double hidden_dropout_prob = 0;
  double attention_probs_dropout_prob = 0;
  double classifier_dropout = 0;
  double initializer_range = 0.02;
  int64_t num_labels = 0;

  int64_t head_size() const { return hidden_size / num_attention_heads; }
  int64_t embedding_width() const { return embedding_size > 0 ? embedding_size : hidden_size; }
  bool positions_follow_padding() const { return traits_of(family).positions == Positions::kAfterPadding; }
  /// The position of a text's first token.
  int64_t first_position() const { return positions_follow_padding() ? pad_token_id + 1 : 0; }
  /// Longest text in tokens.
  int64_t max_text_length() const { return max_position_embeddings - first_position(); }
};

/// Throws kArgument, naming the field, unless every field makes sense.
void check(const ModelConfig& config);

enum class Schedule { kLinear, kCosine, kConstant };

struct TrainingConfig {
  double learning_rate = 5e-5;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
  double max_grad_norm = 1.0;
  Schedule schedule = Schedule::kLinear;
  int64_t warmup_steps = 0;
  int64_t total_steps = 1;
};

void check(const TrainingConfig& config);

}  // namespace finetag
