// Shape letters: B texts, T tokens of all texts together, E features of the embeddings, H of the layers.
#pragma once

#include <optional>
#include <vector>

#include "engine/nn/layers.h"
#include "engine/ops/attention_sublayer.h"
#include "engine/ops/embed.h"
#include "engine/ops/feed_forward_sublayer.h"

namespace finetag {

/// What a family calls the parameters of a layer, behind the layer's own name.
struct LayerNames {
  std::string query, key, value, attention_output, attention_norm;
  std::string intermediate, output, output_norm;
};

/// Rates of dropout in a layer; a family that has no dropout at a place has 0 there.
struct LayerDropout {
  double probabilities, attention_output, output;
};

/// All that tells the encoders of post-LN families apart. Names are Hugging Face's, without `.weight`.
struct EncoderPlan {
  std::string embeddings;
  /// The linear layer from the embeddings to the layers; empty where there is none and E = H.
  std::string projection;
  LayerNames names;
  LayerDropout dropout;
  /// Name of each layer that has weights of its own.
  std::vector<std::string> layers;
  /// Which of them runs, pass by pass; empty: each once, in order.
  std::vector<size_t> passes;
};

/// Word and position embeddings, and those of token type and task where the family has them, summed, normed
/// and dropped.
class Embeddings {
 public:
  Embeddings(ParameterStore& store, const std::string& prefix, const ModelConfig& config);
  at::Tensor forward(const Batch& batch, ForwardContext& context) const;  // [T, E]

 private:
  double dropout_;
  EmbeddingWeights weights_;
};

/// One post-LN transformer layer (Vaswani et al. 2017; Devlin et al. 2019).
class EncoderLayer {
 public:
  EncoderLayer(ParameterStore& store, const std::string& prefix, const LayerNames& names,
               const LayerDropout& dropout, const ModelConfig& config);
  /// With `first_only` it returns `[B, H]`, the first token of each text: the same numbers, without the
  /// work for tokens that nobody reads.
  at::Tensor forward(const at::Tensor& x_TH, const Batch& batch, ForwardContext& context,
                     bool first_only) const;

 private:
  int64_t heads_;
  Activation activation_;
  LayerDropout dropout_;
  AttentionWeights attention_;
  FeedForwardWeights feed_forward_;
};

/// Embeddings and layers of a post-LN family.
class Encoder {
 public:
  Encoder(ParameterStore& store, const EncoderPlan& plan, const ModelConfig& config);
  /// The last hidden state of each text's first token, `[B, H]`.
  at::Tensor forward(const Batch& batch, ForwardContext& context) const;

 private:
  Embeddings embeddings_;
  std::optional<Linear> projection_;
  std::vector<EncoderLayer> layers_;
  std::vector<size_t> passes_;
};

/// The encoder of BERT, which others have under another `base` name: `bert.embeddings`,
/// `bert.encoder.layer.0`, ...
EncoderPlan bert_encoder(const std::string& base, const ModelConfig& config);

}  // namespace finetag
