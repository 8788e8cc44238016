// The losses: their names, and what a label mask leaves out, in the kernels and in plain ATen operators, in
// training and in evaluation. Expected values are formed here in float64 from the formula.
#include <ATen/TensorOperators.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <map>
#include <random>

#include "check.h"
#include "engine/core/error.h"
#include "engine/loss/loss.h"
#include "helpers.h"

using namespace finetag;
using namespace finetag::test;

namespace {

constexpr bool kBoth[] = {false, true};  // fused

std::vector<float> random_mask(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> mask(count);
  for (float& counts : mask) counts = static_cast<float>(random() % 2);
  mask.front() = 1;
  mask.back() = 0;
  return mask;
}

std::vector<float> without(const std::vector<float>& mask) {
  std::vector<float> other;
  for (const float counts : mask) other.push_back(1 - counts);
  return other;
}

/// Turns 0 to 1 and 1 to 0 where the mask is 0.
void flip_masked(HostBatch& batch) {
  for (size_t i = 0; i < batch.labels_BL.size(); ++i)
    if (batch.label_mask_BL[i] == 0) batch.labels_BL[i] = 1 - batch.labels_BL[i];
}

/// Sum of the counted terms in float64.
double expected_sum(const at::Tensor& logits_BL, const HostBatch& batch) {
  const float* x = logits_BL.const_data_ptr<float>();
  double sum = 0;
  for (size_t i = 0; i < batch.labels_BL.size(); ++i) {
    if (!batch.label_mask_BL.empty() && batch.label_mask_BL[i] == 0) continue;
    const double logit = x[i], y = batch.labels_BL[i];
    sum += std::max(logit, 0.0) - logit * y + std::log1p(std::exp(-std::abs(logit)));
  }
  return sum;
}

std::map<std::string, at::Tensor> gradients(Session& session) {
  std::map<std::string, at::Tensor> all;
  for (const NamedParameter& parameter : session.parameters())
    all[parameter.name] = session.read(TensorKind::kGrad, parameter.name);
  return all;
}

HostBatch masked_batch(const ModelConfig& config, unsigned seed = 7) {
  HostBatch batch = random_batch(config, {4, 9, 2, 5}, seed);
  batch.label_mask_BL = random_mask(batch.labels_BL.size(), seed);
  return batch;
}

}  // namespace

TEST(losses_are_found_by_name) {
  REQUIRE(parse_loss("bce_with_logits").kind == LossKind::kBceWithLogits);
  REQUIRE_THROWS(parse_loss("bce"), "loss.type must be one of bce_with_logits");
  REQUIRE_THROWS(parse_loss("bce"), ", not \"bce\"");
  REQUIRE_THROWS(parse_loss(""), ", not \"\"");
  REQUIRE_THROWS(parse_loss("bce_with_logits", {{"gamma", 2.0}}),
                 "the loss bce_with_logits has no parameter \"gamma\"");
  REQUIRE_THROWS(parse_loss("bce_with_logits", {{"pos_weight", std::vector<float>{1, 2}}}),
                 "the loss bce_with_logits has no parameter \"pos_weight\"");
}

TEST(terms_are_the_labels_that_the_mask_leaves) {
  HostBatch batch = random_batch(tiny_config(), {3, 4});
  const LossConfig loss;
  REQUIRE(count_terms(loss, batch) == 6);
  batch.label_mask_BL = {1, 0, 1, 0, 0, 1};
  REQUIRE(count_terms(loss, batch) == 3);
  batch.label_mask_BL.assign(6, 0.0f);
  REQUIRE(count_terms(loss, batch) == 0);
  REQUIRE(count_terms(loss, HostBatch{}) == 0);
}

// Rows that no vector width divides, and blocks of the kernel that are full or not; logits at both ends.
TEST(a_masked_loss_is_pytorchs_with_weights) {
  for (const int64_t labels : {1, 3, 17, 300}) {
    at::Tensor logits_BL = at::randn({5, labels}) * 6;
    logits_BL[0][0] = 100.0f;
    logits_BL[1][0] = -100.0f;
    const at::Tensor labels_BL = (at::randn({5, labels}) > 0).to(at::kFloat);
    const at::Tensor mask_BL = (at::randn({5, labels}) > 0).to(at::kFloat);
    mask_BL[2] = 0;
    const at::Tensor logits64 = logits_BL.to(at::kDouble).requires_grad_(true);
    const at::Tensor expected = at::binary_cross_entropy_with_logits(
        logits64, labels_BL.to(at::kDouble), mask_BL.to(at::kDouble), {}, at::Reduction::Sum);
    torch::autograd::backward({expected});
    for (const bool fused : kBoth) {
      const at::Tensor given = logits_BL.clone().requires_grad_(true);
      const at::Tensor sum = loss_sum({}, given, labels_BL, mask_BL, fused);
      torch::autograd::backward({sum});
      // float32 sums of up to 1500 terms.
      const double total = expected.item<double>();
      REQUIRE_NEAR(sum.item<double>(), total, 2e-6 * std::max(1.0, total));
      REQUIRE((given.grad().to(at::kDouble) - logits64.grad()).abs().max().item<double>() < 2e-7);
      REQUIRE(at::equal(given.grad() * (1 - mask_BL), at::zeros_like(mask_BL)));
      // Exactly nothing of a masked label, whatever it and its logit are.
      const at::Tensor other_logits = at::where(mask_BL > 0, logits_BL, -logits_BL + 3);
      const at::Tensor other_labels = at::where(mask_BL > 0, labels_BL, 1 - labels_BL);
      const at::Tensor other = other_logits.clone().requires_grad_(true);
      const at::Tensor same = loss_sum({}, other, other_labels, mask_BL, fused);
      torch::autograd::backward({same});
      REQUIRE(at::equal(same, sum) && at::equal(other.grad(), given.grad()));
    }
  }
}

TEST(a_masked_label_counts_nowhere_in_evaluation) {
  const ModelConfig config = tiny_config();
  for (const bool fused : kBoth) {
    const auto session = open_session(config, 1, 3, fused);
    HostBatch batch = masked_batch(config);
    const ForwardResult result = session->forward(batch);
    double counted = 0;
    for (const float counts : batch.label_mask_BL) counted += counts;
    REQUIRE(counted > 0 && counted < 12 && result.loss->count == counted);
    REQUIRE_NEAR(result.loss->sum, expected_sum(result.logits_BL, batch), 1e-5);
    flip_masked(batch);
    const ForwardResult flipped = session->forward(batch);
    REQUIRE(flipped.loss->sum == result.loss->sum && flipped.loss->count == counted);
    batch.label_mask_BL.assign(12, 0.0f);
    const ForwardResult none = session->forward(batch);
    REQUIRE(none.loss->sum == 0 && none.loss->count == 0);
    REQUIRE(at::equal(none.logits_BL, result.logits_BL));
    batch.label_mask_BL.clear();
    REQUIRE_NEAR(session->forward(batch).loss->sum, expected_sum(result.logits_BL, batch), 1e-5);
    REQUIRE(session->forward(batch).loss->count == 12);
    batch.labels_BL.clear();
    REQUIRE(!session->forward(batch).loss);
  }
}

TEST(a_masked_label_counts_nowhere_in_training) {
  const ModelConfig config = tiny_config(Family::kBert, 0.1);
  for (const bool fused : kBoth) {
    const auto session = open_session(config, 1, 3, fused);
    HostBatch batch = masked_batch(config);
    const double loss = session->trainer.backward(batch);
    const auto masked = gradients(*session);
    HostBatch flipped = batch;
    flip_masked(flipped);
    REQUIRE(session->trainer.backward(flipped) == loss);
    for (const auto& [name, gradient] : gradients(*session)) REQUIRE(at::equal(gradient, masked.at(name)));

    // What a mask and its opposite leave is all there is: sums and gradients of sums add up.
    const double count = session->trainer.count_terms({batch});
    HostBatch rest = batch, whole = batch;
    rest.label_mask_BL = without(batch.label_mask_BL);
    whole.label_mask_BL.clear();
    const double others = session->trainer.count_terms({rest});
    REQUIRE(count + others == 12 && session->trainer.count_terms({whole}) == 12);
    const double rest_loss = session->trainer.backward(rest);
    const auto rest_gradients = gradients(*session);
    REQUIRE_NEAR((loss * count + rest_loss * others) / 12, session->trainer.backward(whole), 1e-6);
    for (const auto& [name, gradient] : gradients(*session)) {
      const at::Tensor added = (masked.at(name) * count + rest_gradients.at(name) * others) / 12;
      // Two float32 sums where the other side has one.
      REQUIRE((added - gradient).abs().max().item<double>() < 1e-6);
    }
  }
}

TEST(a_row_without_counted_labels_is_as_one_that_is_not_there) {
  const ModelConfig config = tiny_config();
  for (const bool fused : kBoth) {
    const auto session = open_session(config, 1, 3, fused);
    HostBatch batch = random_batch(config, {4, 5});
    batch.label_mask_BL = {1, 1, 1, 0, 0, 0};
    const double masked = session->trainer.backward(batch);
    const auto with = gradients(*session);
    HostBatch first = batch;
    first.ids_T.resize(4);
    first.token_types_T.resize(4);
    first.cu_seqlens = {0, 4};
    first.labels_BL.resize(3);
    first.label_mask_BL.clear();
    REQUIRE_NEAR(masked, session->trainer.backward(first), 1e-6);
    for (const auto& [name, gradient] : gradients(*session))
      REQUIRE((gradient - with.at(name)).abs().max().item<double>() < 1e-6);
  }
}

TEST(a_step_divides_by_the_counted_terms_of_all_its_batches) {
  const ModelConfig config = tiny_config();
  for (const bool fused : kBoth) {
    const auto session = open_session(config, 1, 3, fused);
    HostBatch one = masked_batch(config, 8), none = masked_batch(config, 9),
              all = random_batch(config, {3}, 10);
    none.label_mask_BL.assign(none.labels_BL.size(), 0.0f);
    double sum = 0, count = 0;
    for (const HostBatch& batch : {one, none, all}) {
      const ForwardResult result = session->forward(batch);
      sum += expected_sum(result.logits_BL, batch);
      count += result.loss->count;
    }
    session->trainer.configure(short_training());
    REQUIRE_NEAR(session->trainer.train_step({one, none, all}).loss, sum / count, 1e-6);
    REQUIRE_THROWS(session->trainer.train_step({none, none}), "the label mask leaves nothing to learn from");
    REQUIRE(session->trainer.step() == 1);
  }
}

TEST(bad_masks_are_refused) {
  const ModelConfig config = tiny_config();
  const auto session = open_session(config);
  HostBatch batch = masked_batch(config);
  batch.label_mask_BL[1] = 0.5f;
  REQUIRE_THROWS(session->trainer.backward(batch),
                 "labelMask of text 0 holds a value that is neither 0 nor 1");
  batch.label_mask_BL.pop_back();
  REQUIRE_THROWS(session->forward(batch), "labelMask must hold texts x labels = 12 values, not 11");
  batch = masked_batch(config);
  batch.labels_BL.clear();
  REQUIRE_THROWS(session->forward(batch), "labelMask is given without labels");
}

// A kind that does not exist stands for another loss: whoever uses it throws.
TEST(the_loss_of_an_open_session_can_be_set) {
  const ModelConfig config = tiny_config();
  const LossConfig unknown{static_cast<LossKind>(99)};
  for (const bool fused : kBoth) {
    const auto session = open_session(config, 1, 3, fused), other = open_session(config, 1, 3, fused);
    const HostBatch batch = masked_batch(config);
    const ForwardResult before = session->forward(batch);
    session->trainer.configure(short_training());
    other->trainer.configure(short_training());
    REQUIRE(session->trainer.train_step({batch}).loss == other->trainer.train_step({batch}).loss);

    session->set_loss(unknown);
    REQUIRE_THROWS(session->forward(batch), "unknown loss");
    REQUIRE_THROWS(session->trainer.train_step({batch}), "unknown loss");
    REQUIRE_THROWS(session->trainer.backward(batch), "unknown loss");

    // The optimizer goes on where it was.
    session->set_loss(parse_loss("bce_with_logits"));
    REQUIRE(session->forward(batch).loss->count == before.loss->count);
    REQUIRE(session->forward(batch).loss->sum == other->forward(batch).loss->sum);
    const StepResult step = session->trainer.train_step({batch});
    const StepResult expected = other->trainer.train_step({batch});
    REQUIRE(step.step == 2 && step.loss == expected.loss && step.grad_norm == expected.grad_norm);
  }
}
