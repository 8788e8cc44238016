#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "engine/core/batch.h"
#include "engine/core/config.h"
#include "engine/session/session.h"
#include "engine/train/trainer.h"

namespace finetag::test {

inline constexpr Family kFamilies[] = {Family::kBert,       Family::kRoberta, Family::kAlbert,
                                       Family::kDistilbert, Family::kElectra, Family::kErnie};

inline ModelConfig tiny_config(Family family = Family::kBert, double dropout = 0.0) {
  ModelConfig config;
  config.family = family;
  config.vocab_size = 50;
  config.hidden_size = 24;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 3;
  config.intermediate_size = 40;
  config.max_position_embeddings = 40;
  config.type_vocab_size = 2;
  if (family == Family::kAlbert) {
    config.embedding_size = 10;
    config.inner_group_num = 2;  // each of which runs in every pass
  }
  if (family == Family::kElectra) config.embedding_size = 16;
  if (family == Family::kErnie) config.task_type_vocab_size = 3;
  if (family == Family::kDistilbert) config.type_vocab_size = 0;
  config.pad_token_id = family == Family::kRoberta ? 1 : 0;
  config.hidden_dropout_prob = config.attention_probs_dropout_prob = config.classifier_dropout = dropout;
  config.initializer_range = 0.2;
  config.num_labels = 3;
  return config;
}

inline HostBatch random_batch(const ModelConfig& config, const std::vector<int>& lengths, unsigned seed = 7) {
  std::mt19937 random(seed);
  HostBatch batch;
  batch.cu_seqlens.push_back(0);
  for (const int length : lengths) {
    for (int i = 0; i < length; ++i) {
      batch.ids_T.push_back(2 + static_cast<int32_t>(random() % (config.vocab_size - 2)));
      batch.token_types_T.push_back(i * 2 < length ? 0 : 1);
    }
    batch.cu_seqlens.push_back(static_cast<int32_t>(batch.ids_T.size()));
    for (int64_t l = 0; l < config.num_labels; ++l)
      batch.labels_BL.push_back(static_cast<float>(random() % 2));
  }
  return batch;
}

/// A session with what trains it.
struct TrainedSession : Session {
  using Session::Session;
  Trainer trainer{*this};
};

/// A rate that rises for two steps, then falls for eight.
inline TrainingConfig short_training() {
  TrainingConfig config;
  config.learning_rate = 1e-3;
  config.warmup_steps = 2;
  config.total_steps = 10;
  return config;
}

/// With new weights; `fused`: by the CPU's kernels, else by plain ATen operators.
inline std::unique_ptr<TrainedSession> open_session(const ModelConfig& config, int threads = 1,
                                                    uint32_t seed = 3, bool fused = true) {
  SessionConfig options;
  options.model = config;
  options.threads = threads;
  options.seed = seed;
  options.fused = fused;
  auto session = std::make_unique<TrainedSession>(options, nullptr);
  for (const NamedParameter& parameter : session->parameters()) session->initialize({parameter.name});
  return session;
}

/// Largest difference, as a share of the largest value.
inline double distance(const at::Tensor& a, const at::Tensor& b) {
  const double scale = b.abs().max().item<double>();
  return (a - b).abs().max().item<double>() / (scale > 0 ? scale : 1.0);
}

inline void require_close(const at::Tensor& a, const at::Tensor& b, const std::string& what,
                          double tolerance) {
  const double far = distance(a, b);
  if (!(far <= tolerance)) fail(__FILE__, __LINE__, what + " differs by " + std::to_string(far));
}

// float32 keeps 24 bits; a gradient here is a sum of up to 500 terms of both signs through two layers and
// softmaxes, and the two sides add in different orders.
inline constexpr double kTolerance = 5e-5;

inline bool is_key_bias(const std::string& name) {
  return name.ends_with("key.bias") || name.ends_with("k_lin.bias");
}

/// Of two sessions with the same parameters, after a backward pass of each.
inline void require_same_gradients(Session& session, Session& reference, const std::string& what) {
  for (const NamedParameter& parameter : session.parameters()) {
    const at::Tensor gradient = session.read(TensorKind::kGrad, parameter.name);
    const at::Tensor expected = reference.read(TensorKind::kGrad, parameter.name);
    // The key's bias has no influence on a softmax: its gradient is rounding, to be held against its
    // neighbours.
    if (is_key_bias(parameter.name)) {
      if (!((gradient - expected).abs().max().item<double>() < 1e-6))
        fail(__FILE__, __LINE__, what + ": gradient of " + parameter.name);
    } else {
      require_close(gradient, expected, what + ": gradient of " + parameter.name, kTolerance);
    }
  }
}

}  // namespace finetag::test
