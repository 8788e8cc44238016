#include "engine/loss/loss.h"

#include <numeric>

#include "engine/core/error.h"
#include "engine/loss/bce.h"

// A loss that one of the switches below forgets must not compile.
#pragma GCC diagnostic error "-Wswitch"

namespace finetag {

namespace {

const std::map<std::string, LossKind> kTypes = {{"bce_with_logits", LossKind::kBceWithLogits}};

LossKind kind_of(const std::string& type) {
  const auto found = kTypes.find(type);
  if (found != kTypes.end()) return found->second;
  std::string known;
  for (const auto& [name, kind] : kTypes) known += (known.empty() ? "" : ", ") + name;
  throw Error(ErrorCode::kArgument, "loss.type must be one of " + known + ", not \"" + type + "\"");
}

/// The labels that the mask leaves, of all texts.
double counted_labels(const HostBatch& batch) {
  const std::vector<float>& mask_BL = batch.label_mask_BL;
  if (mask_BL.empty()) return static_cast<double>(batch.labels_BL.size());
  return std::accumulate(mask_BL.begin(), mask_BL.end(), 0.0);
}

}  // namespace

LossConfig parse_loss(const std::string& type, LossParameters parameters) {
  LossConfig loss;
  loss.kind = kind_of(type);
  switch (loss.kind) {  // each takes its own parameters out of `parameters`
    case LossKind::kBceWithLogits:
      break;
  }
  if (!parameters.empty())
    throw Error(ErrorCode::kArgument,
                "the loss " + type + " has no parameter \"" + parameters.begin()->first + "\"");
  return loss;
}

double count_terms(const LossConfig& loss, const HostBatch& batch) {
  switch (loss.kind) {
    case LossKind::kBceWithLogits:
      return counted_labels(batch);
  }
  throw Error(ErrorCode::kNative, "unknown loss");
}

at::Tensor loss_sum(const LossConfig& loss, const at::Tensor& logits_BL, const at::Tensor& labels_BL,
                    const at::Tensor& mask_BL, bool fused) {
  switch (loss.kind) {
    case LossKind::kBceWithLogits:
      return bce_with_logits_sum(logits_BL, labels_BL, mask_BL, fused);
  }
  throw Error(ErrorCode::kNative, "unknown loss");
}

}  // namespace finetag
