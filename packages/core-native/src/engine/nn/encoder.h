// Shape letters: B texts, T tokens of all texts together, E features of the embeddings, H of the layers.
#pragma once

#include <optional>
#include <vector>

#include "engine/nn/layers.h"
#include "engine/ops/embedding/embed.h"
#include "engine/ops/sublayer/attention_sublayer.h"
#include "engine/ops/sublayer/feed_forward_sublayer.h"

namespace finetag {

/// What a family calls its tables and their norm, after the name of the embeddings.
struct EmbeddingNames {
  std::string words = "word_embeddings";
  std::string positions = "position_embeddings";  // empty: positions have no table
  std::string token_types = "token_type_embeddings";
  std::string task_types = "task_type_embeddings";
  std::string norm = "LayerNorm";
};

/// What a family calls the parameters of a layer, after the layer's own name.
struct LayerNames {
  /// Query, key and value; or one name, for a family that has the three stacked in one tensor.
  std::vector<std::string> query_key_value;
  std::string attention_output, attention_norm;
  std::string intermediate, output, output_norm;
};

/// Rates of dropout in a layer; a family that has no dropout at a place has 0 there.
struct LayerDropout {
  double probabilities, attention_output, output;
};

/// What distinguishes the encoders of post-LN families. Names are Hugging Face's, without `.weight`.
struct EncoderPlan {
  std::string embeddings;
  EmbeddingNames embedding_names;
  /// The linear layer from the embeddings to the layers; empty where E = H and there is none.
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
  Embeddings(ParameterStore& store, const std::string& prefix, const EmbeddingNames& names,
             const ModelConfig& config);
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
  /// work for tokens that are not read.
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
  /// The last hidden states, `[T, H]`; with `first_only` `[B, H]`, as EncoderLayer.
  at::Tensor forward(const Batch& batch, ForwardContext& context, bool first_only) const;
  /// As Model::tables.
  BatchTables tables(bool fused) const { return attention_tables(fused); }

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
