// Shape letters: B texts, T tokens of all texts together, H features.
#pragma once

#include <vector>

#include "engine/nn/layers.h"

namespace finetag {

/// Word, position and token-type embeddings, summed, normed and dropped.
class Embeddings {
 public:
  Embeddings(ParameterStore& store, const std::string& prefix, const ModelConfig& config);
  at::Tensor forward(const Batch& batch, ForwardContext& context) const;  // [T, H]

 private:
  int64_t word_padding_;
  int64_t position_padding_;
  double dropout_;
  at::Tensor words_, positions_, types_;
  LayerNorm norm_;
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
  Linear query_key_value_;
  Linear attention_output_;
  LayerNorm attention_norm_;
  Linear intermediate_;
  Linear output_;
  LayerNorm output_norm_;
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
