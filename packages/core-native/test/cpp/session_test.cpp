#include <ATen/ops/allclose.h>
#include <ATen/ops/full_like.h>

#include <atomic>
#include <cmath>
#include <limits>

#include "check.h"
#include "engine/core/cancel.h"
#include "engine/core/error.h"
#include "helpers.h"

using namespace finetag;
using namespace finetag::test;

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

// It was once written over a moment instead.
TEST(a_gradient_cannot_be_written) {
  const ModelConfig config = tiny_config();
  const auto session = open_session(config);
  session->trainer.configure({});
  session->trainer.train_step({random_batch(config, {4, 5})});
  session->trainer.backward(random_batch(config, {4, 5}));
  const std::string name = "bert.pooler.dense.weight";
  constexpr TensorKind kinds[] = {TensorKind::kWeight, TensorKind::kGrad, TensorKind::kExpAvg,
                                  TensorKind::kExpAvgSq};
  std::vector<at::Tensor> before;
  for (const TensorKind kind : kinds) before.push_back(session->read(kind, name));
  for (const std::optional<int64_t> begin : {std::optional<int64_t>(), std::optional<int64_t>(0)}) {
    REQUIRE_THROWS(session->write(TensorKind::kGrad, name, at::full_like(before[0], 2), begin),
                   "a gradient cannot be written");
  }
  for (size_t i = 0; i < std::size(kinds); ++i) REQUIRE(session->read(kinds[i], name).equal(before[i]));
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
  REQUIRE_THROWS(session->forward(with([](HostBatch& b) { b.labels_BL[1] = 1.5f; })), "not between 0 and 1");
  REQUIRE_THROWS(session->forward(with([](HostBatch& b) { b.labels_BL[1] = std::nanf(""); })),
                 "not between 0 and 1");
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
