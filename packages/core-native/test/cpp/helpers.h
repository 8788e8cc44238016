#pragma once

#include <random>

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

}  // namespace finetag::test
