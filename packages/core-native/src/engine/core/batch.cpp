#include "engine/core/batch.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "engine/core/error.h"

namespace finetag {

namespace {

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::kArgument, what); }

void check_binary(const std::vector<float>& values, size_t expected, int64_t labels, const char* name) {
  if (values.empty()) return;
  if (values.size() != expected) {
    fail(std::string(name) + " must hold texts x labels = " + std::to_string(expected) + " values, not " +
         std::to_string(values.size()));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] != 0.0f && values[i] != 1.0f) {
      fail(std::string(name) + " of text " + std::to_string(i / labels) +
           " holds a value that is neither 0 nor 1");
    }
  }
}

template <typename T>
at::Tensor move_to(const std::vector<T>& values, at::IntArrayRef shape, at::ScalarType type,
                   const c10::Device& device) {
  if (device.is_meta()) return at::empty(shape, at::TensorOptions().dtype(type).device(device));
  if (device.is_cuda()) {
    // From pinned memory the copy runs beside the work under way; libtorch keeps the memory until it has
    // ended.
    const at::Tensor pinned = at::empty(shape, at::TensorOptions().dtype(type).pinned_memory(true));
    std::memcpy(pinned.mutable_data_ptr(), values.data(), values.size() * sizeof(T));
    return pinned.to(device, type, /*non_blocking=*/true);
  }
  // The blob lives only as long as the vector, so the copy is made before this returns.
  return at::from_blob(const_cast<T*>(values.data()), shape, at::TensorOptions().dtype(type))
      .to(device, type, /*non_blocking=*/false, /*copy=*/true);
}

/// BERT counts from 0. RoBERTa counts from padding id + 1 and skips padding ids (Hugging Face's
/// create_position_ids_from_input_ids), which can occur literally in a text.
std::vector<int32_t> count_positions(const HostBatch& host, const ModelConfig& config) {
  std::vector<int32_t> positions(host.ids_T.size());
  const auto padding = static_cast<int32_t>(config.pad_token_id);
  for (int64_t b = 0; b < host.texts(); ++b) {
    int32_t counted = 0;
    for (int32_t t = host.cu_seqlens[b]; t < host.cu_seqlens[b + 1]; ++t) {
      if (config.positions_follow_padding()) {
        positions[t] = host.ids_T[t] == padding ? padding : padding + ++counted;
      } else {
        positions[t] = counted++;
      }
    }
  }
  return positions;
}

}  // namespace

void check(const HostBatch& batch, const ModelConfig& config) {
  if (batch.cu_seqlens.size() < 2) fail("a batch must hold at least one text");
  const int64_t texts = batch.texts();
  const int64_t tokens = batch.tokens();
  if (batch.token_types_T.size() != batch.ids_T.size()) fail("tokenTypes and ids must have the same length");
  if (batch.cu_seqlens.front() != 0 || batch.cu_seqlens.back() != tokens) {
    fail("cuSeqlens must start with 0 and end with the number of ids");
  }
  const int64_t longest = config.max_text_length();
  for (int64_t b = 0; b < texts; ++b) {
    const int64_t length = int64_t{batch.cu_seqlens[b + 1]} - batch.cu_seqlens[b];
    if (length < 1) fail("text " + std::to_string(b) + " has no tokens");
    if (length > longest) {
      fail("text " + std::to_string(b) + " has " + std::to_string(length) +
           " tokens; the model takes at most " + std::to_string(longest));
    }
  }
  for (int64_t t = 0; t < tokens; ++t) {
    if (batch.ids_T[t] < 0 || batch.ids_T[t] >= config.vocab_size) {
      fail("token id " + std::to_string(batch.ids_T[t]) + " is outside the vocabulary of " +
           std::to_string(config.vocab_size));
    }
    if (config.type_vocab_size == 0) continue;  // nobody reads them
    if (batch.token_types_T[t] < 0 || batch.token_types_T[t] >= config.type_vocab_size) {
      fail("token type " + std::to_string(batch.token_types_T[t]) + " is outside the model's " +
           std::to_string(config.type_vocab_size));
    }
  }
  const size_t expected = static_cast<size_t>(texts) * static_cast<size_t>(config.num_labels);
  check_binary(batch.labels_BL, expected, config.num_labels, "labels");
  check_binary(batch.label_mask_BL, expected, config.num_labels, "labelMask");
  if (!batch.label_mask_BL.empty() && batch.labels_BL.empty()) fail("labelMask without labels");
}

Batch to_device(const HostBatch& host, const ModelConfig& config, const c10::Device& device, bool padded) {
  Batch batch;
  batch.texts = host.texts();
  batch.tokens = host.tokens();
  batch.max_length = 0;
  for (int64_t b = 0; b < batch.texts; ++b) {
    batch.max_length = std::max<int64_t>(batch.max_length, host.cu_seqlens[b + 1] - host.cu_seqlens[b]);
  }
  const int64_t B = batch.texts, T = batch.tokens, S = batch.max_length;

  batch.ids_T = move_to(host.ids_T, {T}, at::kInt, device);
  batch.token_types_T = move_to(host.token_types_T, {T}, at::kInt, device);
  batch.positions_T = move_to(count_positions(host, config), {T}, at::kInt, device);

  if (config.task_type_vocab_size > 0)
    batch.task_types_T = move_to(std::vector<int32_t>(T, 0), {T}, at::kInt, device);

  batch.cu_seqlens = move_to(host.cu_seqlens, {B + 1}, at::kInt, device);
  const std::vector<int64_t> first_token(host.cu_seqlens.begin(), host.cu_seqlens.end() - 1);
  batch.first_token_B = move_to(first_token, {B}, at::kLong, device);
  if (padded && batch.is_ragged()) {
    std::vector<int64_t> padded_from(B * S, 0), packed_from(T);
    std::vector<float> key_bias(B * S, -std::numeric_limits<float>::infinity());
    for (int64_t b = 0; b < B; ++b) {
      const int64_t start = host.cu_seqlens[b], length = host.cu_seqlens[b + 1] - start;
      for (int64_t i = 0; i < length; ++i) {
        padded_from[b * S + i] = start + i;
        packed_from[start + i] = b * S + i;
        key_bias[b * S + i] = 0.0f;
      }
    }
    batch.padded_from_BS = move_to(padded_from, {B * S}, at::kLong, device);
    batch.packed_from_T = move_to(packed_from, {T}, at::kLong, device);
    batch.key_bias_B11S = move_to(key_bias, {B, 1, 1, S}, at::kFloat, device);
  }
  const int64_t L = config.num_labels;
  if (!host.labels_BL.empty()) batch.labels_BL = move_to(host.labels_BL, {B, L}, at::kFloat, device);
  if (!host.label_mask_BL.empty())
    batch.label_mask_BL = move_to(host.label_mask_BL, {B, L}, at::kFloat, device);
  return batch;
}

}  // namespace finetag
