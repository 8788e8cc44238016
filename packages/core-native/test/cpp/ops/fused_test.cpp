// The fused kernels against the composite ops, which are plain ATen operators.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>

#include "check.h"
#include "engine/core/cpu_memory.h"
#include "engine/kernels/kernels.h"
#include "engine/ops/fused.h"
#include "engine/ops/random/dropout.h"
#include "helpers.h"

using namespace finetag;
using namespace finetag::test;

namespace {

struct Pair {
  std::unique_ptr<TrainedSession> fused, composite;
};

Pair open_pair(const ModelConfig& config, int threads = 2) {
  Pair pair;
  for (const bool fused : {true, false}) {
    SessionConfig options;
    options.model = config;
    options.threads = threads;
    options.seed = 11;
    options.fused = fused;
    auto& session = fused ? pair.fused : pair.composite;
    session = std::make_unique<TrainedSession>(options, nullptr);
    for (const NamedParameter& parameter : session->parameters()) session->initialize({parameter.name});
  }
  return pair;
}

void compare(const ModelConfig& config, const std::vector<int>& lengths, const std::string& name) {
  const Pair pair = open_pair(config);
  HostBatch batch = random_batch(config, lengths);
  // Ids that repeat, and the padding id in the middle of a text.
  for (size_t t = 1; t < batch.ids_T.size(); t += 5) batch.ids_T[t] = batch.ids_T[0];
  if (batch.ids_T.size() > 3) batch.ids_T[2] = static_cast<int32_t>(config.pad_token_id);
  require_close(pair.fused->forward(batch).logits_BL, pair.composite->forward(batch).logits_BL,
                name + ": logits", kTolerance);
  const double loss = pair.fused->trainer.backward(batch), expected = pair.composite->trainer.backward(batch);
  REQUIRE(std::abs(loss - expected) <= 1e-5 * std::abs(expected));
  require_same_gradients(*pair.fused, *pair.composite, name);
}

}  // namespace

TEST(fused_ops_equal_their_composites) {
  for (const Family family : kFamilies) {
    for (const double p : {0.0, 0.3}) {
      compare(tiny_config(family, p), {1}, "one token");
      compare(tiny_config(family, p), {7}, "one text");
      compare(tiny_config(family, p), {5, 5, 5, 5}, "equal lengths");
      compare(tiny_config(family, p), {16, 1, 17, 3, 31, 2, 33}, "many lengths");
    }
  }
}

// Another mask would change gradients by a good part of their size; the order of sums, by their rounding.
TEST(fused_ops_drop_the_same_elements_for_any_threads) {
  const ModelConfig config = tiny_config(Family::kBert, 0.3);
  const HostBatch batch = random_batch(config, {16, 1, 17, 3, 31});
  std::vector<std::vector<at::Tensor>> gradients;
  for (const int threads : {1, 2, 3, 8}) {
    const auto session = open_session(config, threads);
    session->trainer.backward(batch);
    std::vector<at::Tensor>& these = gradients.emplace_back();
    for (const NamedParameter& parameter : session->parameters()) {
      if (is_key_bias(parameter.name)) continue;
      these.push_back(session->read(TensorKind::kGrad, parameter.name));
      require_close(these.back(), gradients[0][these.size() - 1], parameter.name, kTolerance);
    }
  }
}

TEST(shared_layers_are_fused) {
  ModelConfig config = tiny_config(Family::kAlbert, 0.3);
  config.num_hidden_layers = 5;
  config.num_hidden_groups = 3;
  compare(config, {7, 3, 12}, "five passes in three groups");
  config.num_hidden_groups = config.inner_group_num = 1;
  compare(config, {7, 3, 12}, "five passes of one layer");
}

TEST(fused_ops_equal_their_composites_at_real_head_sizes) {
  for (const int64_t head : {26, 32, 64}) {
    for (const int length : {512, 129, 64, 65}) {
      ModelConfig config = tiny_config(Family::kBert, 0.1);
      config.num_attention_heads = 2;
      config.hidden_size = 2 * head;
      config.intermediate_size = 3 * head + 1;
      config.max_position_embeddings = 512;
      compare(config, {length, 3}, "head " + std::to_string(head) + ", length " + std::to_string(length));
    }
  }
}

TEST(every_activation_is_fused) {
  for (const Activation activation :
       {Activation::kGelu, Activation::kGeluTanh, Activation::kRelu, Activation::kSilu}) {
    ModelConfig config = tiny_config(Family::kBert, 0.1);
    config.hidden_act = activation;
    compare(config, {4, 9}, "activation " + std::to_string(static_cast<int>(activation)));
  }
}

TEST(gelu_is_the_exact_one_everywhere) {
  const at::Tensor x = at::linspace(-14, 14, 100'003, at::kDouble);
  const at::Tensor x32 = x.to(at::kFloat).contiguous(), y = at::empty_like(x32), bias = at::zeros_like(x32);
  kernels().bias_activation({x32.numel(), Activation::kGelu, data(x32), data(bias), mutable_data(y)}, 0, 1);
  const at::Tensor exact = at::gelu(x32.to(at::kDouble), "none");
  // Two roundings of the probability, times x, and one of the product.
  REQUIRE(((y.to(at::kDouble) - exact).abs() <= 1.2e-7 * x.abs() + 1e-8).all().item<bool>());
}

static void train_alike(const ModelConfig& config) {
  const Pair pair = open_pair(config);
  TrainingConfig training;
  training.learning_rate = 1e-2;
  training.weight_decay = 0.1;
  training.max_grad_norm = 0.5;
  training.warmup_steps = 3;
  training.total_steps = 40;
  training.schedule = Schedule::kCosine;
  pair.fused->trainer.configure(training);
  pair.composite->trainer.configure(training);
  for (unsigned step = 0; step < 20; ++step) {
    // Most rows of the table are touched in few steps or none; one step has two batches.
    std::vector<HostBatch> batches{random_batch(config, {5, 9, 2}, step)};
    if (step % 3 == 0) batches.push_back(random_batch(config, {4}, step + 100));
    const StepResult ours = pair.fused->trainer.train_step(batches),
                     theirs = pair.composite->trainer.train_step(batches);
    REQUIRE(std::abs(ours.loss - theirs.loss) < 1e-4);
    REQUIRE(std::abs(ours.grad_norm - theirs.grad_norm) < 1e-3 * theirs.grad_norm);
  }
  // AdamW divides a gradient by its own size, so at this rate a rounding of one step is a good part of 1e-2
  // for an element whose gradient is nearly zero, and the next steps build on it.
  for (const NamedParameter& parameter : pair.fused->parameters()) {
    if (is_key_bias(parameter.name)) continue;
    require_close(pair.fused->read(TensorKind::kWeight, parameter.name),
                  pair.composite->read(TensorKind::kWeight, parameter.name), parameter.name, 5e-3);
  }
}

TEST(training_steps_equal_the_composite_ones) {
  for (const Family family : kFamilies) {
    ModelConfig config = tiny_config(family, 0.2);
    config.vocab_size = 400;
    train_alike(config);
  }
}

TEST(rows_updated_late_have_the_bits_of_rows_updated_in_time) {
  ModelConfig config = tiny_config(Family::kBert, 0.1);
  config.vocab_size = 300;
  TrainingConfig training;
  training.learning_rate = 1e-2;
  training.weight_decay = 0.1;
  training.total_steps = 60;
  std::vector<at::Tensor> results[2];
  for (const bool read_each_step : {false, true}) {
    const auto session = open_session(config);
    session->trainer.configure(training);
    const std::string words = "bert.embeddings.word_embeddings.weight";
    for (unsigned step = 0; step < 50; ++step) {
      if (step == 25) session->trainer.configure(training);  // anew, with rows left behind
      session->trainer.train_step({random_batch(config, {3, 2}, step)});
      if (read_each_step) session->read(TensorKind::kWeight, words);  // brings every row up to date
    }
    for (const TensorKind kind : {TensorKind::kWeight, TensorKind::kExpAvg, TensorKind::kExpAvgSq})
      results[read_each_step].push_back(session->read(kind, words));
  }
  for (size_t i = 0; i < 3; ++i) REQUIRE(at::equal(results[0][i], results[1][i]));
}

TEST(late_rows_equal_the_dense_kernel) {
  // The same numbers as a tensor with a gradient of zeros, over enough steps for moments to vanish.
  const at::Tensor start = at::randn({67}), moment = at::randn({67}) * 1e-3,
                   square = at::randn({67}).square() * 1e-6;
  std::vector<AdamWStep> steps;
  for (int i = 0; i < 1200; ++i)
    steps.push_back({1 - 1e-5f * static_cast<float>(i % 7), 1e-3f, 1.5f, 0.1f, 0.999f, 0.001f, 1e-8f, 1.0f});
  const at::Tensor w[2] = {start.clone(), start.clone()}, m[2] = {moment.clone(), moment.clone()},
                   v[2] = {square.clone(), square.clone()};
  const at::Tensor zeros = at::zeros_like(start);
  for (const AdamWStep& step : steps)
    kernels().adamw(step, mutable_data(w[0]), data(zeros), mutable_data(m[0]), mutable_data(v[0]), 67);
  kernels().adamw_idle(steps.data(), 1200, mutable_data(w[1]), mutable_data(m[1]), mutable_data(v[1]), 67);
  REQUIRE(at::equal(w[0], w[1]) && at::equal(m[0], m[1]) && at::equal(v[0], v[1]));
  // Nothing is left, or what stays where the tenth that a step takes off is rounded, and flushed, by itself.
  REQUIRE(m[0].abs().max().item<float>() < 1.2e-37f);
  const at::Tensor decayed[2] = {start.clone(), start.clone()}, none = at::zeros_like(start);
  for (const AdamWStep& step : steps)
    kernels().adamw(step, mutable_data(decayed[0]), data(zeros), mutable_data(none), mutable_data(none), 67);
  kernels().decay_idle(steps.data(), 1200, mutable_data(decayed[1]), 67);
  REQUIRE(at::equal(decayed[0], decayed[1]));
}

TEST(the_fused_loss_is_exact_at_both_ends) {
  const at::Tensor logits = at::linspace(-120, 120, 4001).view({1, -1});
  const at::Tensor labels = (logits > 3).to(at::kFloat), grad = at::empty_like(logits);
  double loss = 0;
  kernels().bce_with_logits({4001, data(logits), data(labels), nullptr, mutable_data(grad), &loss}, 0, 1);
  const double expected = at::binary_cross_entropy_with_logits(logits.to(at::kDouble), labels.to(at::kDouble),
                                                               {}, {}, at::Reduction::Sum)
                              .item<double>();
  REQUIRE(std::abs(loss - expected) < 1e-5 * expected);
  require_close(grad, logits.to(at::kDouble).sigmoid().sub(labels), "gradient of the loss", 2e-7);
}

TEST(a_training_in_its_stride_fetches_no_memory) {
  ModelConfig config = tiny_config(Family::kBert, 0.1);
  config.hidden_size = 96;
  config.intermediate_size = 384;
  const auto session = open_session(config, 2);
  session->trainer.configure({});
  // Short texts and long ones, sorted as within a window of steps, and begun anew: the hardest for blocks
  // that serve all.
  std::vector<HostBatch> batches;
  for (const int length : {3, 5, 9, 17, 30, 40})
    batches.push_back(random_batch(config, std::vector<int>(64, length)));
  const auto epoch = [&] {
    for (const HostBatch& batch : batches) session->trainer.train_step({batch});
  };
  for (int i = 0; i < 6; ++i) epoch();
  const size_t before = fetched_cpu_blocks();
  for (int i = 0; i < 3; ++i) epoch();
  REQUIRE(before > 0 && fetched_cpu_blocks() == before);
}
