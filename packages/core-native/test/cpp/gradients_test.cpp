// Gradients against the slope of the loss, and the places of dropout in it.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>

#include <cmath>

#include "check.h"
#include "helpers.h"

using namespace finetag;
using namespace finetag::test;

TEST(one_label_and_very_many) {
  for (const int64_t labels : {1, 10'000}) {
    ModelConfig config = tiny_config();
    config.num_labels = labels;
    auto session = open_session(config);
    session->trainer.configure(short_training());
    session->trainer.set_step(5);
    const StepResult result = session->trainer.train_step({random_batch(config, {1, 6})});
    REQUIRE(result.step == 6 && std::isfinite(result.loss) && result.grad_norm > 0);
  }
}

namespace {

/// The slope of the loss where a parameter moves by `move`, by central differences.
double slope(TrainedSession& session, const HostBatch& batch, const std::string& name,
             const at::Tensor& weight, const at::Tensor& move) {
  double loss[2];
  for (int side = 0; side < 2; ++side) {
    session.write(TensorKind::kWeight, name, side == 0 ? weight + move : weight - move);
    loss[side] = session.trainer.backward(batch);  // the same step, so the same dropout
  }
  session.write(TensorKind::kWeight, name, weight);
  return (loss[0] - loss[1]) / (2 * move.norm().item<double>());
}

/// The loss against each parameter's gradient. Along the gradient the slope is its norm; that sees every
/// element by its size, but none that is wrongly zero. A random direction sees those: its slope is the
/// product with the gradient, about norm / sqrt(elements).
void check_gradients(const ModelConfig& config, const std::vector<int>& lengths) {
  const auto session = open_session(config);
  const HostBatch batch = random_batch(config, lengths);
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(/*seed=*/lengths.size());
  const double least = 0.02;
  size_t checked = 0;
  for (const NamedParameter& parameter : session->parameters()) {
    session->trainer.backward(batch);
    const at::Tensor gradient = session->read(TensorKind::kGrad, parameter.name);
    const at::Tensor weight = session->read(TensorKind::kWeight, parameter.name);
    const double norm = gradient.norm().item<double>();
    const auto check = [&](const at::Tensor& direction, double length, double tolerance) {
      const at::Tensor unit = direction / direction.norm();
      const double expected = (gradient * unit).sum().item<double>();
      const double found = slope(*session, batch, parameter.name, weight, unit * length);
      if (!(std::abs(found - expected) <= tolerance))
        fail(__FILE__, __LINE__,
             parameter.name + " has a gradient with a slope of " + std::to_string(expected) +
                 ", and the loss " + std::to_string(found));
    };
    // Each element moves by 5e-4 or so: neither the loss's own bend nor float32's part shows. A gradient
    // that is small is held to what a small one may be off.
    const double root = std::sqrt(static_cast<double>(weight.numel()));
    for (int draw = 0; draw < 2; ++draw)
      check(at::randn(weight.sizes(), generator), 5e-4 * root, 0.05 * std::max(norm, least) / root);
    // The loss moves by 2e-3, of which float32 blurs a thousandth part.
    if (norm < least) continue;
    check(gradient, 2e-3 / norm, 0.01 * norm);
    ++checked;
  }
  // Where texts have one token, queries and keys have no influence.
  REQUIRE(checked > session->parameters().size() / 2);
}

}  // namespace

TEST(gradients_match_finite_differences) {
  for (const Family family : kFamilies) {
    for (const double dropout : {0.0, 0.2}) {
      for (const std::vector<int>& lengths : {std::vector<int>{3, 12, 7}, {1}, {1, 1, 1}, {17}})
        check_gradients(tiny_config(family, dropout), lengths);
    }
  }
}

// The longest text goes over the kernels' tiles many times. Sanitizers slow it down a hundredfold, and find
// in a shorter one whatever they find in it.
#ifdef __SANITIZE_ADDRESS__
constexpr int kLongestText = 150;
#else
constexpr int kLongestText = 512;
#endif

TEST(gradients_match_finite_differences_at_real_head_sizes) {
  for (const int64_t head_size : {32, 64}) {
    ModelConfig config = tiny_config(Family::kBert, 0.1);
    config.num_attention_heads = 2;
    config.hidden_size = 2 * head_size;
    config.intermediate_size = 3 * head_size + 1;
    config.max_position_embeddings = 512;
    config.initializer_range = 0.1;
    for (const std::vector<int>& lengths : {std::vector<int>{1}, {65, 3}, {kLongestText}})
      check_gradients(config, lengths);
  }
}

// That masks of different keys are independent, random_test shows; here, that each place, step and
// micro-batch has its own.
TEST(dropout_differs_between_places_steps_and_micro_batches) {
  ForwardContext context{.training = true, .seed = 1, .step = 2, .micro_batch = 3};
  for (uint32_t site = 0; site < 5; ++site)
    REQUIRE((context.next_key() == DropoutKey{.seed = 1, .step = 2, .micro_batch = 3, .site = site}));

  for (const Family family : kFamilies) {
    const ModelConfig config = tiny_config(family, 0.1);
    const int64_t layers =
        config.num_hidden_layers * (family == Family::kAlbert ? config.inner_group_num : 1);
    const bool drops_twice = family == Family::kRoberta || family == Family::kElectra;
    for (const bool fused : {false, true}) {
      ParameterStore store(c10::kCPU, fused);
      const auto model = make_model(store, config);
      for (const NamedParameter& parameter : store.named()) store.initialize(parameter.name, 1, 0.1);
      ForwardContext pass{.training = true, .fused = fused};
      model->forward(to_device(random_batch(config, {3, 5}), config, c10::kCPU), pass);
      // Embeddings; attention's weights, its output and the feed-forward's of each layer; the head.
      REQUIRE(pass.next_site == 1 + 3 * layers + (drops_twice ? 2 : 1));
    }
  }

  const ModelConfig config = tiny_config(Family::kBert, 0.3);
  const auto session = open_session(config);
  const HostBatch batch = random_batch(config, {4, 6});
  const auto loss_at = [&](int64_t step) {
    session->trainer.set_step(step);
    return session->trainer.backward(batch);
  };
  session->trainer.configure({});
  const double first = loss_at(0);
  REQUIRE(loss_at(0) == first);
  REQUIRE(loss_at(1) != first);
  session->trainer.set_step(0);
  REQUIRE(std::abs(session->trainer.train_step({batch, batch}).loss - first) > 1e-4);
}
