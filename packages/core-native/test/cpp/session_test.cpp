#if defined(__linux__)
#include <sys/resource.h>
#include <unistd.h>
#endif

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>

#include <atomic>
#include <fstream>
#include <limits>

#include "check.h"
#include "engine/core/cancel.h"
#include "engine/core/error.h"
#include "helpers.h"

using namespace finetag;
using namespace finetag::test;

namespace {

TrainingConfig training() {
  TrainingConfig config;
  config.learning_rate = 1e-3;
  config.warmup_steps = 2;
  config.total_steps = 10;
  return config;
}

at::Tensor all_weights(Session& session) {
  std::vector<at::Tensor> flat;
  for (const NamedParameter& p : session.parameters())
    flat.push_back(session.read(TensorKind::kWeight, p.name).flatten());
  return at::cat(flat);
}

}  // namespace

TEST(names_are_hugging_faces) {
  auto bert = open_session(tiny_config());
  REQUIRE(bert->parameters().front().name == "bert.embeddings.word_embeddings.weight");
  REQUIRE(bert->parameters().size() == 5 + 2 * 16 + 4);
  auto roberta = open_session(tiny_config(Family::kRoberta));
  REQUIRE(roberta->parameters().back().name == "classifier.out_proj.bias");
  auto albert = open_session(tiny_config(Family::kAlbert));
  REQUIRE(albert->parameters().size() == 5 + 2 + 2 * 16 + 4);
  auto distilbert = open_session(tiny_config(Family::kDistilbert));
  REQUIRE(distilbert->parameters().size() == 4 + 2 * 16 + 4);
  ModelConfig electra = tiny_config(Family::kElectra);
  REQUIRE(open_session(electra)->parameters().size() == 5 + 2 + 2 * 16 + 4);
  auto ernie = open_session(tiny_config(Family::kErnie));
  REQUIRE(ernie->parameters()[3].name == "ernie.embeddings.task_type_embeddings.weight");
  REQUIRE(ernie->parameters().size() == 6 + 2 * 16 + 4);
  electra.embedding_size = electra.hidden_size;
  REQUIRE(open_session(electra)->parameters().size() == 5 + 2 * 16 + 4);
}

TEST(a_text_is_the_same_alone_and_in_company) {
  for (const Family family : kFamilies) {
    const ModelConfig config = tiny_config(family);
    auto session = open_session(config);
    for (const std::vector<int>& lengths : {std::vector<int>{1, 9, 33, 2, 17}, {1, 1, 1}, {4, 4}}) {
      const HostBatch batch = random_batch(config, lengths);
      const at::Tensor together = session->forward(batch).logits_BL;
      for (size_t b = 0; b < lengths.size(); ++b) {
        HostBatch alone;
        const int from = batch.cu_seqlens[b], to = batch.cu_seqlens[b + 1];
        alone.ids_T.assign(batch.ids_T.begin() + from, batch.ids_T.begin() + to);
        alone.token_types_T.assign(batch.token_types_T.begin() + from, batch.token_types_T.begin() + to);
        alone.cu_seqlens = {0, to - from};
        REQUIRE(at::allclose(session->forward(alone).logits_BL[0], together[b], 1e-5, 1e-5));
      }
    }
  }
}

TEST(one_label_and_very_many) {
  for (const int64_t labels : {1, 10'000}) {
    ModelConfig config = tiny_config();
    config.num_labels = labels;
    auto session = open_session(config);
    session->configure_training(training());
    session->set_step(5);
    const StepResult result = session->train_step({random_batch(config, {1, 6})});
    REQUIRE(result.step == 6 && std::isfinite(result.loss) && result.grad_norm > 0);
  }
}

namespace {

/// The slope of the loss where a parameter moves by `move`, by central differences.
double slope(Session& session, const HostBatch& batch, const std::string& name, const at::Tensor& weight,
             const at::Tensor& move) {
  double loss[2];
  for (int side = 0; side < 2; ++side) {
    session.write(TensorKind::kWeight, name, side == 0 ? weight + move : weight - move);
    loss[side] = session.backward(batch);  // the same step, so the same dropout
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
    session->backward(batch);
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

TEST(gradients_match_finite_differences_at_real_head_sizes) {
  for (const int64_t head_size : {32, 64}) {
    ModelConfig config = tiny_config(Family::kBert, 0.1);
    config.num_attention_heads = 2;
    config.hidden_size = 2 * head_size;
    config.intermediate_size = 3 * head_size + 1;
    config.max_position_embeddings = 512;
    config.initializer_range = 0.1;
    for (const std::vector<int>& lengths : {std::vector<int>{1}, {65, 3}, {512}})
      check_gradients(config, lengths);
  }
}

TEST(micro_batches_weigh_rows_equally) {
  const ModelConfig config = tiny_config();
  const HostBatch whole = random_batch(config, {4, 5, 6, 7, 8});
  const auto part = [&](int from, int to) {
    HostBatch out;
    const int first = whole.cu_seqlens[from], last = whole.cu_seqlens[to];
    out.ids_T.assign(whole.ids_T.begin() + first, whole.ids_T.begin() + last);
    out.token_types_T.assign(whole.token_types_T.begin() + first, whole.token_types_T.begin() + last);
    for (int b = from; b <= to; ++b) out.cu_seqlens.push_back(whole.cu_seqlens[b] - first);
    out.labels_BL.assign(whole.labels_BL.begin() + from * 3, whole.labels_BL.begin() + to * 3);
    return out;
  };
  auto one = open_session(config);
  auto many = open_session(config);
  one->configure_training(training());
  many->configure_training(training());
  one->set_step(5);
  many->set_step(5);
  const StepResult a = one->train_step({whole});
  const StepResult b = many->train_step({part(0, 2), part(2, 4), part(4, 5)});
  REQUIRE_NEAR(a.loss, b.loss, 1e-6);
  REQUIRE_NEAR(a.grad_norm, b.grad_norm, 1e-5);
  // Adam's first step is +-rate wherever a gradient is not tiny, so a rounding can flip a near-zero one.
  REQUIRE((all_weights(*one) - all_weights(*many)).abs().mean().item<double>() < 1e-6);
}

TEST(label_mask_leaves_terms_out) {
  const ModelConfig config = tiny_config();
  auto session = open_session(config);
  HostBatch batch = random_batch(config, {4, 5});
  batch.label_mask_BL = {1, 1, 1, 0, 0, 0};
  const double masked = session->backward(batch);
  HostBatch first = batch;
  first.ids_T.resize(4);
  first.token_types_T.resize(4);
  first.cu_seqlens = {0, 4};
  first.labels_BL.resize(3);
  first.label_mask_BL.clear();
  REQUIRE_NEAR(masked, session->backward(first), 1e-6);
}

TEST(same_seed_same_bits_and_resume) {
  const ModelConfig config = tiny_config(Family::kBert, 0.1);
  const auto batch_of = [&](int step) {
    return random_batch(config, {3, 9, 5}, static_cast<unsigned>(step));
  };
  auto unbroken = open_session(config, 2);
  unbroken->configure_training(training());
  for (int i = 0; i < 6; ++i) unbroken->train_step({batch_of(i)});

  auto first = open_session(config, 2);
  first->configure_training(training());
  for (int i = 0; i < 3; ++i) first->train_step({batch_of(i)});
  auto second = open_session(config, 2, 3);
  second->configure_training(training());
  for (const NamedParameter& p : first->parameters()) {
    for (const TensorKind kind : {TensorKind::kWeight, TensorKind::kExpAvg, TensorKind::kExpAvgSq}) {
      second->write(kind, p.name, first->read(kind, p.name));
    }
  }
  second->set_step(3);
  for (int i = 3; i < 6; ++i) second->train_step({batch_of(i)});
  REQUIRE(all_weights(*unbroken).equal(all_weights(*second)));
}

TEST(a_loss_that_is_no_number_leaves_the_weights_alone) {
  const ModelConfig config = tiny_config();
  auto session = open_session(config);
  session->configure_training(training());
  at::Tensor poisoned = session->read(TensorKind::kWeight, "classifier.bias");
  poisoned[0] = std::numeric_limits<float>::quiet_NaN();
  session->write(TensorKind::kWeight, "classifier.bias", poisoned);
  const at::Tensor before = session->read(TensorKind::kWeight, "bert.pooler.dense.weight");
  const StepResult result = session->train_step({random_batch(config, {4, 5})});
  REQUIRE(std::isnan(result.loss) && result.step == 0);
  REQUIRE(before.equal(session->read(TensorKind::kWeight, "bert.pooler.dense.weight")));
}

TEST(a_weight_that_is_not_finite_is_told) {
  auto session = open_session(tiny_config());
  const at::Tensor weight = session->read(TensorKind::kWeight, "bert.pooler.dense.weight");
  REQUIRE(session->write(TensorKind::kWeight, "bert.pooler.dense.weight", weight));
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
    for (const int64_t at : {int64_t{0}, weight.numel() / 2, weight.numel() - 1}) {
      at::Tensor poisoned = weight.clone();
      poisoned.view({-1})[at] = bad;
      REQUIRE(!session->write(TensorKind::kWeight, "bert.pooler.dense.weight", poisoned));
    }
  }
  const at::Tensor largest = at::full_like(weight, -std::numeric_limits<float>::max());
  REQUIRE(session->write(TensorKind::kWeight, "bert.pooler.dense.weight", largest));
}

TEST(bad_batches_are_refused) {
  const ModelConfig config = tiny_config();
  auto session = open_session(config);
  const HostBatch good = random_batch(config, {4, 5});
  const auto with = [&](auto change) {
    HostBatch bad = good;
    change(bad);
    return bad;
  };
  REQUIRE_THROWS(session->forward(with([](HostBatch& b) { b.ids_T[2] = 50; })), "outside the vocabulary");
  REQUIRE_THROWS(session->forward(with([](HostBatch& b) { b.ids_T[2] = -1; })), "outside the vocabulary");
  REQUIRE_THROWS(session->forward(with([](HostBatch& b) { b.token_types_T[0] = 2; })), "token type");
  REQUIRE_THROWS(session->forward(with([](HostBatch& b) { b.cu_seqlens = {0, 4}; })), "cuSeqlens");
  REQUIRE_THROWS(session->forward(with([](HostBatch& b) { b.cu_seqlens = {0, 0, 9}; })), "no tokens");
  REQUIRE_THROWS(session->forward(with([](HostBatch& b) { b.labels_BL[1] = 0.5f; })), "neither 0 nor 1");
  REQUIRE_THROWS(session->forward(with([](HostBatch& b) { b.labels_BL.pop_back(); })), "labels must hold");
  REQUIRE_THROWS(session->forward(random_batch(config, {41})), "at most 40");
  REQUIRE_THROWS(session->forward(HostBatch{}), "at least one text");
}

TEST(weights_must_be_filled_before_use) {
  SessionConfig options;
  options.model = tiny_config();
  Session session(options, nullptr);
  REQUIRE_THROWS(session.forward(random_batch(options.model, {3})), "neither loaded nor initialised");
}

TEST(a_stop_flag_breaks_off) {
  std::atomic<bool> stop{false};
  SessionConfig options;
  options.model = tiny_config(Family::kBert, 0.1);
  Session session(options, &stop);
  for (const NamedParameter& p : session.parameters()) session.initialize({p.name});
  stop = true;
  bool cancelled = false;
  try {
    session.forward(random_batch(options.model, {3}));
  } catch (const Cancelled&) {
    cancelled = true;
  }
  REQUIRE(cancelled);
}

TEST(memory_that_the_system_refuses_is_told_as_such) {
  SessionConfig options;
  options.model = tiny_config();
  options.model.vocab_size = int64_t{1} << 40;  // 96 TiB of word embeddings
  ErrorCode code = ErrorCode::kNative;
  std::string message;
  try {
    const Session session(options, nullptr);
  } catch (...) {
    const ErrorInfo info = describe_current_exception();
    code = info.code;
    message = info.message;
  }
  REQUIRE(code == ErrorCode::kOutOfMemory);
  REQUIRE(message.starts_with("out of memory"));
}

TEST(a_training_that_finds_no_memory_is_not_half_configured) {
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
  ModelConfig config = tiny_config();
  config.vocab_size = 700'000;  // more than one of malloc's arenas holds
  const auto session = open_session(config);
  session->configure_training({});
  session->train_step({random_batch(config, {3, 4})});
  const at::Tensor before = session->read(TensorKind::kWeight, "classifier.weight");
  release_cpu_memory();  // so that memory has to be asked for
  rlimit limit;
  REQUIRE(getrlimit(RLIMIT_AS, &limit) == 0);
  rlimit tight = limit;
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  tight.rlim_cur = pages * sysconf(_SC_PAGESIZE) + (16u << 20);
  REQUIRE(setrlimit(RLIMIT_AS, &tight) == 0);
  bool refused = false;
  try {
    session->configure_training({});
  } catch (const Error& error) {
    refused = error.code() == ErrorCode::kOutOfMemory;
  }
  REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
  REQUIRE(refused);
  REQUIRE_THROWS(session->train_step({random_batch(config, {3, 4})}), "not configured");
  REQUIRE(session->read(TensorKind::kWeight, "classifier.weight").equal(before));
  session->configure_training({});
  REQUIRE(session->train_step({random_batch(config, {3, 4})}).step == 1);
#endif
}

// Rows of the word table lag behind until they are looked at: a fresh one must not get the steps before it.
TEST(a_table_initialised_during_training_is_as_one_before) {
  const ModelConfig config = tiny_config();
  const std::string table = "bert.embeddings.word_embeddings.weight";
  const auto session = open_session(config);
  const at::Tensor fresh = session->read(TensorKind::kWeight, table);
  session->configure_training(training());
  for (int step = 0; step < 5; ++step) session->train_step({random_batch(config, {3})});
  REQUIRE(!session->read(TensorKind::kWeight, table).equal(fresh));
  for (int step = 0; step < 5; ++step) session->train_step({random_batch(config, {3})});
  session->initialize({table});
  REQUIRE(session->read(TensorKind::kWeight, table).equal(fresh));
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
    session->set_step(step);
    return session->backward(batch);
  };
  session->configure_training({});
  const double first = loss_at(0);
  REQUIRE(loss_at(0) == first);
  REQUIRE(loss_at(1) != first);
  session->set_step(0);
  REQUIRE(std::abs(session->train_step({batch, batch}).loss - first) > 1e-4);
}

TEST(batches_placed_ahead_change_nothing) {
  const auto steps = [](bool ahead) {
    SessionConfig options;
    options.model = tiny_config(Family::kBert, 0.1);
    options.fused = false;
    Session session(options, nullptr);
    for (const NamedParameter& parameter : session.parameters()) session.initialize({parameter.name});
    session.configure_training(training());
    std::vector<StepBatches> queue;
    for (unsigned step = 0; step < 4; ++step)
      queue.push_back(std::make_shared<const std::vector<HostBatch>>(std::vector{
          random_batch(options.model, {4, 6}, step), random_batch(options.model, {2}, step + 9)}));
    std::vector<double> losses;
    int waits = 0;
    for (size_t step = 0; step < queue.size(); ++step) {
      // The one that was placed is not the next in the third step, and is then placed in its turn.
      const size_t next = step == 1 ? 0 : (step + 1) % queue.size();
      losses.push_back(session
                           .train_step(queue[step],
                                       [&] {
                                         ++waits;
                                         if (ahead) session.place_ahead(queue[next]);
                                       })
                           .loss);
    }
    REQUIRE(waits == 4);
    HostBatch bad = random_batch(options.model, {3});
    bad.ids_T[1] = 1'000;
    const auto faulty = std::make_shared<const std::vector<HostBatch>>(1, bad);
    session.place_ahead(faulty);
    REQUIRE_THROWS(session.train_step(faulty), "token id 1000");
    return losses;
  };
  REQUIRE(steps(true) == steps(false));
}
