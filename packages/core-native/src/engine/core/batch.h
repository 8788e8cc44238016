// Shape letters: B texts, T tokens of all texts together, S tokens of the longest text, L labels.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "engine/core/config.h"

namespace finetag {

/// A batch as the caller hands it over: texts laid end to end, plain memory, owned.
struct HostBatch {
  std::vector<int32_t> ids_T;
  std::vector<int32_t> token_types_T;
  std::vector<int32_t> cu_seqlens;   // [B + 1]
  std::vector<float> labels_BL;      // targets in [0, 1]; empty: none
  std::vector<float> label_mask_BL;  // empty: every label counts

  int64_t texts() const { return static_cast<int64_t>(cu_seqlens.size()) - 1; }
  int64_t tokens() const { return static_cast<int64_t>(ids_T.size()); }
};

/// Throws kArgument, naming the array and the text, unless lengths, ids and values fit the model.
void check(const HostBatch& batch, const ModelConfig& config);

/// The index tables that not every model reads; a model says which it does (nn/model.h).
struct BatchTables {
  /// padded_from_BS, packed_from_T and key_bias_B11S: for ops that lay texts out as [B, S].
  bool padding = false;

  BatchTables operator|(const BatchTables& other) const { return {padding || other.padding}; }
};

/// The same on the model's device, with the index tables that the model reads.
struct Batch {
  int64_t texts;             // B
  int64_t tokens;            // T
  int64_t max_length;        // S
  at::Tensor ids_T;          // int32
  at::Tensor token_types_T;  // int32
  at::Tensor positions_T;    // int32, as the family counts them
  at::Tensor task_types_T;   // int32, all 0; undefined where the model has no task embedding
  at::Tensor first_token_B;  // int64, where each text starts
  at::Tensor cu_seqlens;     // int32 [B+1]
  // With BatchTables::padding, where texts differ in length; else undefined:
  at::Tensor padded_from_BS;  // int64 [B*S]: token of each padded slot; padding points at token 0
  at::Tensor packed_from_T;   // int64: padded slot of each token
  at::Tensor key_bias_B11S;   // float: 0 at tokens, -inf at padding
  at::Tensor labels_BL;       // float, or undefined
  at::Tensor label_mask_BL;   // float, or undefined

  bool is_ragged() const { return texts * max_length != tokens; }
};

Batch to_device(const HostBatch& host, const ModelConfig& config, const c10::Device& device,
                const BatchTables& tables = {.padding = true});

}  // namespace finetag
