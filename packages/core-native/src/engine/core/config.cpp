#include "engine/core/config.h"

#include <cmath>

#include "engine/core/error.h"

namespace finetag {

namespace {

void require(bool holds, const std::string& what) {
  if (!holds) throw Error(ErrorCode::kArgument, what);
}

void require_probability(double value, const char* name) {
  require(value >= 0 && value < 1, std::string(name) + " must be at least 0 and below 1");
}

}  // namespace

void check(const ModelConfig& c) {
  require(c.vocab_size > 0, "vocabSize must be positive");
  require(c.hidden_size > 0, "hiddenSize must be positive");
  require(c.num_hidden_layers > 0, "numHiddenLayers must be positive");
  require(c.num_attention_heads > 0, "numAttentionHeads must be positive");
  require(c.hidden_size % c.num_attention_heads == 0, "hiddenSize must be a multiple of numAttentionHeads");
  require(c.intermediate_size > 0, "intermediateSize must be positive");
  require(c.type_vocab_size >= 0, "typeVocabSize must not be negative");
  require(c.task_type_vocab_size >= 0, "taskTypeVocabSize must not be negative");
  require(c.embedding_size >= 0, "embeddingSize must not be negative");
  require(c.num_hidden_groups > 0 && c.num_hidden_groups <= c.num_hidden_layers,
          "numHiddenGroups must be between 1 and numHiddenLayers");
  require(c.inner_group_num > 0, "innerGroupNum must be positive");
  require(c.num_labels > 0, "numLabels must be positive");
  require(c.layer_norm_eps > 0, "layerNormEps must be positive");
  require(c.pad_token_id >= 0 && c.pad_token_id < c.vocab_size, "padTokenId must be an id of the vocabulary");
  require(c.max_text_length() > 0, "maxPositionEmbeddings leaves no room for a token");
  require(c.initializer_range > 0, "initializerRange must be positive");
  require_probability(c.hidden_dropout_prob, "hiddenDropoutProb");
  require_probability(c.attention_probs_dropout_prob, "attentionProbsDropoutProb");
  require_probability(c.classifier_dropout, "classifierDropout");
}

void check(const TrainingConfig& c) {
  require(std::isfinite(c.learning_rate) && c.learning_rate >= 0,
          "learningRate must be a number of at least 0");
  require(c.beta1 >= 0 && c.beta1 < 1, "beta1 must be at least 0 and below 1");
  require(c.beta2 >= 0 && c.beta2 < 1, "beta2 must be at least 0 and below 1");
  require(c.epsilon > 0, "epsilon must be positive");
  require(c.weight_decay >= 0, "weightDecay must not be negative");
  require(c.max_grad_norm >= 0, "maxGradNorm must not be negative");
  require(c.total_steps > 0, "totalSteps must be positive");
  require(c.warmup_steps >= 0 && c.warmup_steps <= c.total_steps,
          "warmupSteps must be between 0 and totalSteps");
}

}  // namespace finetag
