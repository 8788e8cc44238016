// What a model is made of: ops with and without kernels, the tables they read, positions, stacked weights.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tanh.h>
#include <torch/csrc/autograd/autograd.h>

#include "check.h"
#include "engine/core/autocast.h"
#include "engine/core/error.h"
#include "engine/nn/families/families.h"
#include "engine/ops/fused.h"
#include "helpers.h"

using namespace finetag;
using namespace finetag::test;

namespace {

/// BERT as a new family might begin: its attention out of plain ATen operators in every session, all else by
/// kernels where they apply.
class MixedModel : public Model {
 public:
  MixedModel(ParameterStore& store, const ModelConfig& config)
      : config_(config),
        embeddings_(store, "bert.embeddings", {}, config),
        head_(store, {"bert.pooler.dense", "classifier", at::tanh, false}, config) {
    const int64_t H = config.hidden_size, I = config.intermediate_size;
    for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
      const std::string layer = "bert.encoder.layer." + std::to_string(i) + ".",
                        self = layer + "attention.self.";
      const std::vector<std::string> stacked{self + "query", self + "key", self + "value"};
      layers_.push_back(
          {{Linear(store, stacked, H, 3 * H), Linear(store, layer + "attention.output.dense", H, H),
            LayerNorm(store, layer + "attention.output.LayerNorm", H, config.layer_norm_eps)},
           {Linear(store, layer + "intermediate.dense", H, I), Linear(store, layer + "output.dense", I, H),
            LayerNorm(store, layer + "output.LayerNorm", H, config.layer_norm_eps)}});
    }
  }

  at::Tensor forward(const Batch& batch, ForwardContext& context) const override {
    at::Tensor x = embeddings_.forward(batch, context);
    for (size_t i = 0; i < layers_.size(); ++i) {
      const Dropout probabilities = context.next_dropout(config_.attention_probs_dropout_prob);
      const Dropout hidden = context.next_dropout(config_.hidden_dropout_prob);
      const AttentionOptions options{config_.num_attention_heads, probabilities, hidden,
                                     /*first_only=*/i + 1 == layers_.size()};
      x = attention_sublayer(x, layers_[i].attention, batch, options, /*fused=*/false);
      x = feed_forward_sublayer(x, layers_[i].feed_forward, config_.hidden_act,
                                context.next_dropout(config_.hidden_dropout_prob), context.fused);
    }
    return head_.forward(x, context);
  }

 private:
  struct Layer {
    AttentionWeights attention;
    FeedForwardWeights feed_forward;
  };
  ModelConfig config_;
  Embeddings embeddings_;
  Head head_;
  std::vector<Layer> layers_;
};

std::unique_ptr<Model> make_mixed(ParameterStore& store, const ModelConfig& config) {
  return std::make_unique<MixedModel>(store, config);
}

std::unique_ptr<TrainedSession> open(const ModelConfig& config, bool fused,
                                     const ModelFactory& make = make_model) {
  SessionConfig options;
  options.model = config;
  options.threads = 2;
  options.seed = 11;
  options.fused = fused;
  auto session = std::make_unique<TrainedSession>(options, nullptr, make);
  for (const NamedParameter& parameter : session->parameters()) session->initialize({parameter.name});
  return session;
}

std::unique_ptr<Model> filled(std::unique_ptr<Model> model, ParameterStore& store) {
  for (const NamedParameter& parameter : store.named()) store.initialize(parameter.name, 1, 0.1);
  return model;
}

}  // namespace

TEST(a_composite_op_runs_among_fused_ones) {
  for (const double p : {0.0, 0.3}) {
    const ModelConfig config = tiny_config(Family::kBert, p);
    for (const std::vector<int>& lengths : {std::vector{7}, std::vector{5, 5}, std::vector{16, 1, 17, 3}}) {
      const HostBatch batch = random_batch(config, lengths);
      const auto mixed = open(config, true, make_mixed), reference = open(config, false);
      require_close(mixed->forward(batch).logits_BL, reference->forward(batch).logits_BL, "logits",
                    kTolerance);
      REQUIRE_NEAR(mixed->trainer.backward(batch), reference->trainer.backward(batch), 1e-5);
      require_same_gradients(*mixed, *reference, "a mixed model");
    }
  }
}

TEST(a_mixed_model_trains_as_a_fused_one) {
  ModelConfig config = tiny_config(Family::kBert, 0.2);
  config.vocab_size = 400;
  const auto mixed = open(config, true, make_mixed), fused = open(config, true);
  TrainingConfig training;
  training.learning_rate = 1e-3;
  training.weight_decay = 0.1;
  training.max_grad_norm = 0.5;
  training.total_steps = 20;
  mixed->trainer.configure(training);
  fused->trainer.configure(training);
  for (unsigned step = 0; step < 8; ++step) {
    const std::vector<HostBatch> batches{random_batch(config, {5, 9, 2}, step),
                                         random_batch(config, {4}, step + 50)};
    const StepResult ours = mixed->trainer.train_step(batches), theirs = fused->trainer.train_step(batches);
    REQUIRE_NEAR(ours.loss, theirs.loss, 1e-4);
    REQUIRE_NEAR(ours.grad_norm, theirs.grad_norm, 1e-3 * theirs.grad_norm);
  }
  for (const NamedParameter& parameter : mixed->parameters()) {
    if (is_key_bias(parameter.name)) continue;
    require_close(mixed->read(TensorKind::kWeight, parameter.name),
                  fused->read(TensorKind::kWeight, parameter.name), parameter.name, 5e-3);
  }
}

TEST(in_a_mixed_model_each_op_writes_gradients_its_own_way) {
  const ModelConfig config = tiny_config();
  ParameterStore store(c10::kCPU, /*fused=*/true);
  const auto model = filled(make_mixed(store, config), store);
  const Batch batch = to_device(random_batch(config, {3, 5}), config, c10::kCPU, model->tables(true));
  ForwardContext context{.fused = true};
  torch::autograd::backward({model->forward(batch, context).sum()});
  const StoredParameter& words = store.stored().front();
  REQUIRE(words.rows != nullptr && !words.rows->rows().empty() && !words.value.grad().defined());
  for (size_t i = 1; i < store.stored().size(); ++i) REQUIRE(store.stored()[i].value.grad().defined());
}

TEST(a_model_says_which_tables_it_reads) {
  const ModelConfig config = tiny_config();
  ParameterStore store(c10::kCPU, true), other(c10::kCPU, true);
  const auto fused = filled(make_model(store, config), store),
             mixed = filled(make_mixed(other, config), other);
  REQUIRE(!fused->tables(true).padding && fused->tables(false).padding && mixed->tables(true).padding);
  const Batch bare = to_device(random_batch(config, {3, 5}), config, c10::kCPU, fused->tables(true));
  REQUIRE(!bare.padded_from_BS.defined() && !bare.packed_from_T.defined() && !bare.key_bias_B11S.defined());
  ForwardContext context{.fused = true}, same{.fused = true};
  REQUIRE(fused->forward(bare, context).size(0) == 2);
  REQUIRE_THROWS(mixed->forward(bare, same), "no tables for padding");
}

TEST(each_op_looks_whether_its_kernel_applies) {
  const at::Tensor x = at::randn({2, 3});
  REQUIRE(kernels_apply(x, true) && !kernels_apply(x, false));
  REQUIRE(!kernels_apply(x.to(at::kDouble), true) && !kernels_apply(x.to(at::kBFloat16), true));
  REQUIRE(!kernels_apply(x.to(at::kMeta), true));
  const AutocastScope autocast(c10::kCPU, Precision::kBfloat16);
  REQUIRE(!kernels_apply(x, true));
}

TEST(a_word_table_by_rows_has_no_second_gradient) {
  const ModelConfig config = tiny_config();
  ParameterStore store(c10::kCPU, /*fused=*/true);
  const auto model = filled(make_model(store, config), store);
  const Batch batch = to_device(random_batch(config, {3}), config, c10::kCPU);
  ForwardContext context{.fused = false}, again{.fused = false};
  REQUIRE_THROWS(model->forward(batch, context), "by rows is for the fused op alone");
  const at::NoGradGuard no_grad;
  REQUIRE(model->forward(batch, again).size(0) == 1);
}

TEST(an_unknown_family_is_refused) {
  ModelConfig config = tiny_config();
  config.family = static_cast<Family>(99);
  ParameterStore store(c10::kCPU, true);
  REQUIRE_THROWS(make_model(store, config), "no plan for model family number 99");
  REQUIRE_THROWS(open(config, true), "no model family number 99");
}

TEST(positions_start_where_the_family_says) {
  for (const Family family : kFamilies) {
    ModelConfig config = tiny_config(family);
    config.pad_token_id = 3;
    HostBatch host = random_batch(config, {4, 2});
    host.ids_T = {7, 3, 8, 9, 5, 6};  // the second is the padding id
    const Batch batch = to_device(host, config, c10::kCPU);
    const auto* at = batch.positions_T.const_data_ptr<int32_t>();
    const std::vector<int32_t> positions(at, at + 6);
    const bool after_padding = family == Family::kRoberta;
    REQUIRE(positions == (after_padding ? std::vector<int32_t>{4, 3, 5, 6, 4, 5}
                                        : std::vector<int32_t>{0, 1, 2, 3, 0, 1}));
    REQUIRE(config.max_text_length() == (after_padding ? 36 : 40));
  }
}

// A family may have query, key and value stacked in one tensor of its files: the same layer under one name.
TEST(one_name_for_stacked_weights_is_the_same_layer_as_three) {
  const ModelConfig config = tiny_config(Family::kBert, 0.3);
  const int64_t H = config.hidden_size;
  FamilyPlan three = plan_bert(config), one = plan_bert(config);
  one.encoder.names.query_key_value = {"attention.Wqkv"};
  const Batch batch = to_device(random_batch(config, {5, 1, 9}), config, c10::kCPU);
  for (const bool fused : {true, false}) {
    ParameterStore three_store(c10::kCPU, fused), one_store(c10::kCPU, fused);
    const auto three_model = filled(make_planned_model(three_store, three, config), three_store);
    const auto one_model = filled(make_planned_model(one_store, one, config), one_store);
    const std::string layer = "bert.encoder.layer.1.attention.";
    const NamedParameter& stacked = one_store.find(layer + "Wqkv.weight");
    REQUIRE(stacked.shape == (std::vector<int64_t>{3 * H, H}) && stacked.decays());
    REQUIRE(one_store.find(layer + "Wqkv.bias").shape == std::vector<int64_t>{3 * H});
    REQUIRE_THROWS(one_store.find(layer + "self.query.weight"), "no parameter");
    REQUIRE(one_store.named().size() + 2 * 2 * 2 == three_store.named().size());
    REQUIRE(one_store.stored().size() == three_store.stored().size());
    {
      const at::NoGradGuard no_grad;
      for (const char* kind : {"weight", "bias"}) {
        for (const char* i : {"0", "1"}) {
          const std::string from = std::string("bert.encoder.layer.") + i + ".attention.";
          std::vector<at::Tensor> parts;
          for (const char* part : {"query.", "key.", "value."})
            parts.push_back(three_store.value(three_store.find(from + "self." + part + kind)));
          one_store.value(one_store.find(from + "Wqkv." + kind)).copy_(at::cat(parts));
        }
      }
    }
    ForwardContext context{.training = true, .fused = fused}, same{.training = true, .fused = fused};
    const at::Tensor logits = one_model->forward(batch, context),
                     expected = three_model->forward(batch, same);
    REQUIRE(logits.equal(expected));
    torch::autograd::backward({logits.square().sum()});
    torch::autograd::backward({expected.square().sum()});
    for (size_t i = 0; i < one_store.stored().size(); ++i)
      REQUIRE(one_store.stored()[i].dense_gradient().equal(three_store.stored()[i].dense_gradient()));
  }
}
