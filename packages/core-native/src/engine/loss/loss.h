// Shape letters: B texts, L labels.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "engine/core/batch.h"

namespace finetag {

enum class LossKind { kBceWithLogits };

/// A loss and its own parameters. A session holds one, for training and evaluation alike.
struct LossConfig {
  LossKind kind = LossKind::kBceWithLogits;
};

/// A parameter of a loss: a number, or one for each label.
using LossParameter = std::variant<double, std::vector<float>>;
/// The parameters of a loss by name.
using LossParameters = std::map<std::string, LossParameter>;

/// The loss called `type`, e.g. "bce_with_logits". Throws kArgument for an unknown type, and for a parameter
/// that this loss does not have.
LossConfig parse_loss(const std::string& type, LossParameters parameters = {});

/// The mean loss of several batches is the sum of their sums over the sum of their counts.
struct LossTerms {
  double sum;
  double count;
};

/// What the mean loss of a batch divides by: its terms without those that the label mask leaves out. 0
/// without labels.
double count_terms(const LossConfig& loss, const HostBatch& batch);

/// Sum of the counted terms of logits `[B, L]` in float32 or bf16: a float32 scalar on their device.
/// `mask_BL` may be undefined: every label counts. `fused`: by the CPU's kernels, where the loss has one.
at::Tensor loss_sum(const LossConfig& loss, const at::Tensor& logits_BL, const at::Tensor& labels_BL,
                    const at::Tensor& mask_BL, bool fused);

}  // namespace finetag
