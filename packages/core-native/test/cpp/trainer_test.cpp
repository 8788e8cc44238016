#if defined(__linux__)
#include <sys/resource.h>
#include <unistd.h>
#endif

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <fstream>
#include <limits>

#include "check.h"
#include "engine/core/error.h"
#include "helpers.h"

using namespace finetag;
using namespace finetag::test;

namespace {

at::Tensor all_weights(Session& session) {
  std::vector<at::Tensor> flat;
  for (const NamedParameter& p : session.parameters())
    flat.push_back(session.read(TensorKind::kWeight, p.name).flatten());
  return at::cat(flat);
}

}  // namespace

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
  one->trainer.configure(short_training());
  many->trainer.configure(short_training());
  one->trainer.set_step(5);
  many->trainer.set_step(5);
  const StepResult a = one->trainer.train_step({whole});
  const StepResult b = many->trainer.train_step({part(0, 2), part(2, 4), part(4, 5)});
  REQUIRE_NEAR(a.loss, b.loss, 1e-6);
  REQUIRE_NEAR(a.grad_norm, b.grad_norm, 1e-5);
  // Adam's first step is +-rate wherever a gradient is not tiny, so a rounding can flip a near-zero one.
  REQUIRE((all_weights(*one) - all_weights(*many)).abs().mean().item<double>() < 1e-6);
}

TEST(same_seed_same_bits_and_resume) {
  const ModelConfig config = tiny_config(Family::kBert, 0.1);
  const auto batch_of = [&](int step) {
    return random_batch(config, {3, 9, 5}, static_cast<unsigned>(step));
  };
  auto unbroken = open_session(config, 2);
  unbroken->trainer.configure(short_training());
  for (int i = 0; i < 6; ++i) unbroken->trainer.train_step({batch_of(i)});

  auto first = open_session(config, 2);
  first->trainer.configure(short_training());
  for (int i = 0; i < 3; ++i) first->trainer.train_step({batch_of(i)});
  auto second = open_session(config, 2, 3);
  second->trainer.configure(short_training());
  for (const NamedParameter& p : first->parameters()) {
    for (const TensorKind kind : {TensorKind::kWeight, TensorKind::kExpAvg, TensorKind::kExpAvgSq}) {
      second->write(kind, p.name, first->read(kind, p.name));
    }
  }
  second->trainer.set_step(3);
  for (int i = 3; i < 6; ++i) second->trainer.train_step({batch_of(i)});
  REQUIRE(all_weights(*unbroken).equal(all_weights(*second)));
}

TEST(a_loss_that_is_no_number_leaves_the_weights_alone) {
  const ModelConfig config = tiny_config();
  auto session = open_session(config);
  session->trainer.configure(short_training());
  at::Tensor poisoned = session->read(TensorKind::kWeight, "classifier.bias");
  poisoned[0] = std::numeric_limits<float>::quiet_NaN();
  session->write(TensorKind::kWeight, "classifier.bias", poisoned);
  const at::Tensor before = session->read(TensorKind::kWeight, "bert.pooler.dense.weight");
  const StepResult result = session->trainer.train_step({random_batch(config, {4, 5})});
  REQUIRE(std::isnan(result.loss) && result.step == 0);
  REQUIRE(before.equal(session->read(TensorKind::kWeight, "bert.pooler.dense.weight")));
}

TEST(a_training_that_finds_no_memory_is_not_half_configured) {
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
  ModelConfig config = tiny_config();
  config.vocab_size = 700'000;  // more than one of malloc's arenas holds
  const auto session = open_session(config);
  session->trainer.configure({});
  session->trainer.train_step({random_batch(config, {3, 4})});
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
    session->trainer.configure({});
  } catch (const Error& error) {
    refused = error.code() == ErrorCode::kOutOfMemory;
  }
  REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
  REQUIRE(refused);
  REQUIRE_THROWS(session->trainer.train_step({random_batch(config, {3, 4})}), "not configured");
  REQUIRE(session->read(TensorKind::kWeight, "classifier.weight").equal(before));
  session->trainer.configure({});
  REQUIRE(session->trainer.train_step({random_batch(config, {3, 4})}).step == 1);
#endif
}

// Rows of the word table lag behind until they are looked at: a fresh one must not get the steps before it.
TEST(a_table_initialised_during_training_is_as_one_before) {
  const ModelConfig config = tiny_config();
  const std::string table = "bert.embeddings.word_embeddings.weight";
  const auto session = open_session(config);
  const at::Tensor fresh = session->read(TensorKind::kWeight, table);
  session->trainer.configure(short_training());
  for (int step = 0; step < 5; ++step) session->trainer.train_step({random_batch(config, {3})});
  REQUIRE(!session->read(TensorKind::kWeight, table).equal(fresh));
  for (int step = 0; step < 5; ++step) session->trainer.train_step({random_batch(config, {3})});
  session->initialize({table});
  REQUIRE(session->read(TensorKind::kWeight, table).equal(fresh));
}

TEST(batches_placed_ahead_change_nothing) {
  const auto steps = [](bool ahead) {
    SessionConfig options;
    options.model = tiny_config(Family::kBert, 0.1);
    options.fused = false;
    TrainedSession session(options, nullptr);
    for (const NamedParameter& parameter : session.parameters()) session.initialize({parameter.name});
    session.trainer.configure(short_training());
    std::vector<StepBatches> queue;
    for (unsigned step = 0; step < 4; ++step)
      queue.push_back(std::make_shared<const std::vector<HostBatch>>(std::vector{
          random_batch(options.model, {4, 6}, step), random_batch(options.model, {2}, step + 9)}));
    std::vector<double> losses;
    int waits = 0;
    for (size_t step = 0; step < queue.size(); ++step) {
      // The one that was placed is not the next in the third step, and is then placed in its turn.
      const size_t next = step == 1 ? 0 : (step + 1) % queue.size();
      const auto before_waiting = [&] {
        ++waits;
        if (ahead) session.trainer.place_ahead(queue[next]);
      };
      losses.push_back(session.trainer.train_step(queue[step], before_waiting).loss);
    }
    REQUIRE(waits == 4);
    HostBatch bad = random_batch(options.model, {3});
    bad.ids_T[1] = 1'000;
    const auto faulty = std::make_shared<const std::vector<HostBatch>>(1, bad);
    session.trainer.place_ahead(faulty);
    REQUIRE_THROWS(session.trainer.train_step(faulty), "token id 1000");
    return losses;
  };
  REQUIRE(steps(true) == steps(false));
}

TEST(a_step_is_its_gradients_and_their_application) {
  for (const bool fused : {false, true}) {
    const ModelConfig config = tiny_config(Family::kBert, 0.1);
    const auto whole = open_session(config, 1, 3, fused), parts = open_session(config, 1, 3, fused);
    whole->trainer.configure(short_training());
    parts->trainer.configure(short_training());
    for (unsigned step = 0; step < 4; ++step) {
      const auto batches = std::make_shared<const std::vector<HostBatch>>(
          std::vector{random_batch(config, {3, 9}, step), random_batch(config, {5}, step + 9)});
      const StepResult expected = whole->trainer.train_step(batches);
      const double loss = parts->trainer.compute_gradients(batches, 9).item<double>();
      const StepResult result = parts->trainer.apply_gradients();
      REQUIRE(loss == expected.loss && result.loss == expected.loss);
      REQUIRE(result.grad_norm == expected.grad_norm && result.step == expected.step);
    }
    REQUIRE(all_weights(*whole).equal(all_weights(*parts)));
  }
}

// As if each batch were on a process of its own: what each forms with the count of all adds up to the step's.
TEST(gradients_of_parts_add_up_with_the_count_of_all) {
  const ModelConfig config = tiny_config();
  const auto session = open_session(config);
  const HostBatch parts[] = {random_batch(config, {3, 9}, 1), random_batch(config, {5}, 2)};
  const auto form = [&](std::vector<HostBatch> batches, double count) {
    const auto shared = std::make_shared<const std::vector<HostBatch>>(std::move(batches));
    return session->trainer.compute_gradients(shared, count).item<double>();
  };
  const auto all_gradients = [&] {
    std::vector<at::Tensor> flat;
    for (const NamedParameter& p : session->parameters())
      flat.push_back(session->read(TensorKind::kGrad, p.name).flatten());
    return at::cat(flat);
  };
  const double count = session->trainer.count_terms({parts[0], parts[1]});
  REQUIRE(count == 9);
  double loss = 0;
  at::Tensor sum;
  for (const HostBatch& part : parts) {
    loss += form({part}, count);
    sum = sum.defined() ? sum + all_gradients() : all_gradients();
  }
  REQUIRE_NEAR(loss, form({parts[0], parts[1]}, count), 1e-6);
  const at::Tensor expected = all_gradients();
  REQUIRE(expected.abs().max().item<double>() > 0.01);
  REQUIRE((sum - expected).abs().max().item<double>() < 1e-6);
  // Half of the terms in the divisor: twice the gradients.
  form({parts[0], parts[1]}, count / 2);
  REQUIRE((all_gradients() - 2 * expected).abs().max().item<double>() < 1e-6);
}

TEST(gradients_are_applied_once_and_by_an_optimizer) {
  const ModelConfig config = tiny_config();
  const auto session = open_session(config);
  const auto batches = std::make_shared<const std::vector<HostBatch>>(1, random_batch(config, {3, 4}));
  session->trainer.compute_gradients(batches, 6);
  REQUIRE_THROWS(session->trainer.apply_gradients(), "training is not configured");
  session->trainer.configure(short_training());
  session->trainer.compute_gradients(batches, 6);
  REQUIRE(session->trainer.apply_gradients().step == 1);
  REQUIRE_THROWS(session->trainer.apply_gradients(), "there are no gradients");
  for (const double count : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()})
    REQUIRE_THROWS(session->trainer.compute_gradients(batches, count), "nothing to learn from");
  REQUIRE_THROWS(session->trainer.apply_gradients(), "there are no gradients");
  HostBatch unlabelled = random_batch(config, {3});
  unlabelled.labels_BL.clear();
  REQUIRE_THROWS(session->trainer.train_step({unlabelled}), "training needs labels");
  REQUIRE_THROWS(session->trainer.train_step(std::vector<HostBatch>{}), "at least one batch");
}

TEST(a_session_holds_optimizer_state_only_while_a_trainer_has_it) {
  const ModelConfig config = tiny_config();
  const HostBatch batch = random_batch(config, {3, 9});
  SessionConfig options;
  options.model = config;
  Session session(options, nullptr);
  for (const NamedParameter& parameter : session.parameters()) session.initialize({parameter.name});
  const std::string table = "bert.embeddings.word_embeddings.weight";
  const int64_t alone = session.bytes();
  REQUIRE(session.forward(batch).loss->count == 6);
  at::Tensor trained, logits;
  {
    Trainer trainer(session);
    trainer.backward(batch);
    REQUIRE(session.bytes() == alone);
    REQUIRE_THROWS(session.read(TensorKind::kExpAvg, table), "no moments before training is configured");
    trainer.configure(short_training());
    REQUIRE(session.bytes() > 2 * alone);
    for (unsigned step = 0; step < 3; ++step) trainer.train_step({random_batch(config, {4}, step)});
    trained = session.read(TensorKind::kWeight, table);
    logits = session.forward(batch).logits_BL;
  }
  REQUIRE(session.bytes() == alone);
  REQUIRE_THROWS(session.read(TensorKind::kExpAvg, table), "no moments before training is configured");
  REQUIRE(session.read(TensorKind::kWeight, table).equal(trained));
  REQUIRE(session.forward(batch).logits_BL.equal(logits));
  REQUIRE(session.write(TensorKind::kWeight, table, trained));
}
