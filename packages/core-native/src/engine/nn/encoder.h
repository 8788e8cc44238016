// Shape letters: B texts, T tokens of all texts together, H features.
#pragma once

#include <vector>

#include "engine/nn/layers.h"
#include "engine/ops/attention_sublayer.h"
#include "engine/ops/embed.h"
#include "engine/ops/feed_forward_sublayer.h"

namespace finetag {

/// Word, position and token-type embeddings, summed, normed and dropped.
class Embeddings {
 public:
  Embeddings(ParameterStore& store, const std::string& prefix, const ModelConfig& config);
  at::Tensor forward(const Batch& batch, ForwardContext& context) const;  // [T, H]

 private:
  double dropout_;
  EmbeddingWeights weights_;
};

/// One post-LN transformer layer (Vaswani et al. 2017; Devlin et al. 2019).
class EncoderLayer {
 public:
  EncoderLayer(ParameterStore& store, const std::string& prefix, const ModelConfig& config);
  /// With `first_only` it returns `[B, H]`, the first token of each text: the same numbers, without the
  /// work for tokens that nobody reads.
  at::Tensor forward(const at::Tensor& x_TH, const Batch& batch, ForwardContext& context,
                     bool first_only) const;

 private:
  ModelConfig config_;
  AttentionWeights attention_;
  FeedForwardWeights feed_forward_;
};

/// Embeddings and layers; what BERT and RoBERTa share.
class Encoder {
 public:
  Encoder(ParameterStore& store, const std::string& prefix, const ModelConfig& config);
  /// The last hidden state of each text's first token, `[B, H]`.
  at::Tensor forward(const Batch& batch, ForwardContext& context) const;

 private:
  Embeddings embeddings_;
  std::vector<EncoderLayer> layers_;
};

}  // namespace finetag
