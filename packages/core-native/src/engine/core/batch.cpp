#include "engine/core/batch.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "engine/core/error.h"

namespace finetag {

namespace {

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::kArgument, what); }

void check_cells(const std::vector<float>& values, size_t expected, int64_t labels, const char* name,
                 bool (*fits)(float), const char* misfit) {
  if (values.empty()) return;
  if (values.size() != expected) {
    fail(std::string(name) + " must hold texts x labels = " + std::to_string(expected) + " values, not " +
         std::to_string(values.size()));
  }
  const auto bad = std::find_if_not(values.begin(), values.end(), fits);
  if (bad == values.end()) return;
  fail(std::string(name) + " of text " + std::to_string((bad - values.begin()) / labels) +
       " holds a value that is " + misfit);
}

/// False for NaN as well.
bool is_share(float value) { return value >= 0.0f && value <= 1.0f; }
bool is_flag(float value) { return value == 0.0f || value == 1.0f; }

/// Arrays laid one after the other, so that a single copy brings all of them to the device. From pinned
/// memory it runs in parallel with other work; libtorch keeps that memory until the copy has ended.
class Staging {
 public:
  /// Both must live until place().
  template <typename T>
  void add(at::Tensor& to, const std::vector<T>& values, at::IntArrayRef shape) {
    const auto bytes = static_cast<int64_t>(values.size() * sizeof(T));
    pieces_.push_back({&to, values.data(), total_, bytes, shape.vec(), c10::CppTypeToScalarType<T>::value});
    total_ += at::divup(bytes, kAlignment) * kAlignment;
  }

  /// Makes each tensor that was added a view of its array on the device.
  void place(const c10::Device& device) const {
    const at::TensorOptions bytes = at::TensorOptions().dtype(at::kByte);
    at::Tensor all;
    if (device.is_meta()) {
      all = at::empty({total_}, bytes.device(device));
    } else {
      const at::Tensor host = at::empty({total_}, bytes.pinned_memory(device.is_cuda()));
      auto* data = host.mutable_data_ptr<uint8_t>();
      for (const Piece& piece : pieces_) std::memcpy(data + piece.offset, piece.from, piece.bytes);
      all = host.to(device, /*non_blocking=*/true);
    }
    for (const Piece& piece : pieces_)
      *piece.to = all.narrow(0, piece.offset, piece.bytes).view(piece.type).view(piece.shape);
  }

 private:
  static constexpr int64_t kAlignment = 64;

  struct Piece {
    at::Tensor* to;
    const void* from;
    int64_t offset, bytes;
    std::vector<int64_t> shape;
    at::ScalarType type;
  };

  std::vector<Piece> pieces_;
  int64_t total_ = 0;
};

/// As the family numbers tokens (core/family.h). The padding id can occur literally in a text.
std::vector<int32_t> count_positions(const HostBatch& host, const ModelConfig& config) {
  std::vector<int32_t> positions(host.ids_T.size());
  const auto padding = static_cast<int32_t>(config.pad_token_id);
  const bool after_padding = config.positions_follow_padding();
  for (int64_t b = 0; b < host.texts(); ++b) {
    int32_t counted = 0;
    for (int32_t t = host.cu_seqlens[b]; t < host.cu_seqlens[b + 1]; ++t) {
      if (after_padding) {
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
    if (config.type_vocab_size == 0) continue;  // they are not read
    if (batch.token_types_T[t] < 0 || batch.token_types_T[t] >= config.type_vocab_size) {
      fail("token type " + std::to_string(batch.token_types_T[t]) + " is outside the model's " +
           std::to_string(config.type_vocab_size));
    }
  }
  const size_t expected = static_cast<size_t>(texts) * static_cast<size_t>(config.num_labels);
  check_cells(batch.labels_BL, expected, config.num_labels, "labels", is_share, "not between 0 and 1");
  check_cells(batch.label_mask_BL, expected, config.num_labels, "labelMask", is_flag, "neither 0 nor 1");
  if (!batch.label_mask_BL.empty() && batch.labels_BL.empty()) fail("labelMask is given without labels");
}

Batch to_device(const HostBatch& host, const ModelConfig& config, const c10::Device& device,
                const BatchTables& tables) {
  Batch batch;
  batch.texts = host.texts();
  batch.tokens = host.tokens();
  batch.max_length = 0;
  for (int64_t b = 0; b < batch.texts; ++b) {
    batch.max_length = std::max<int64_t>(batch.max_length, host.cu_seqlens[b + 1] - host.cu_seqlens[b]);
  }
  const int64_t B = batch.texts, T = batch.tokens, S = batch.max_length;

  Staging staging;
  staging.add(batch.ids_T, host.ids_T, {T});
  staging.add(batch.token_types_T, host.token_types_T, {T});
  const std::vector<int32_t> positions = count_positions(host, config);
  staging.add(batch.positions_T, positions, {T});
  const std::vector<int32_t> task_types(config.task_type_vocab_size > 0 ? T : 0, 0);
  if (!task_types.empty()) staging.add(batch.task_types_T, task_types, {T});

  staging.add(batch.cu_seqlens, host.cu_seqlens, {B + 1});
  const std::vector<int64_t> first_token(host.cu_seqlens.begin(), host.cu_seqlens.end() - 1);
  staging.add(batch.first_token_B, first_token, {B});
  std::vector<int64_t> padded_from, packed_from;
  std::vector<float> key_bias;
  if (tables.padding && batch.is_ragged()) {
    padded_from.assign(B * S, 0);
    packed_from.resize(T);
    key_bias.assign(B * S, -std::numeric_limits<float>::infinity());
    for (int64_t b = 0; b < B; ++b) {
      const int64_t start = host.cu_seqlens[b], length = host.cu_seqlens[b + 1] - start;
      for (int64_t i = 0; i < length; ++i) {
        padded_from[b * S + i] = start + i;
        packed_from[start + i] = b * S + i;
        key_bias[b * S + i] = 0.0f;
      }
    }
    staging.add(batch.padded_from_BS, padded_from, {B * S});
    staging.add(batch.packed_from_T, packed_from, {T});
    staging.add(batch.key_bias_B11S, key_bias, {B, 1, 1, S});
  }
  const int64_t L = config.num_labels;
  if (!host.labels_BL.empty()) staging.add(batch.labels_BL, host.labels_BL, {B, L});
  if (!host.label_mask_BL.empty()) staging.add(batch.label_mask_BL, host.label_mask_BL, {B, L});
  staging.place(device);
  return batch;
}

}  // namespace finetag
