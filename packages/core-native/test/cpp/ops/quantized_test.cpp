// int8 against float32, which is what it stands for.
#include "engine/ops/product/quantized.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/cpu/Utils.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <limits>

#include "check.h"
#include "engine/core/error.h"
#include "helpers.h"

using namespace finetag;
using namespace finetag::test;

namespace {

/// Steps of an input's range.
double input_steps() {
#if defined(__x86_64__)
  return at::cpu::is_avx512_vnni_supported() ? 255 : 127;
#else
  return 255;
#endif
}

std::unique_ptr<TrainedSession> open(const ModelConfig& config, Precision precision, int threads = 2) {
  SessionConfig options;
  options.model = config;
  options.threads = threads;
  options.seed = 11;
  options.precision = precision;
  auto session = std::make_unique<TrainedSession>(options, nullptr);
  for (const NamedParameter& parameter : session->parameters()) session->initialize({parameter.name});
  return session;
}

HostBatch text_of(const HostBatch& batch, size_t text) {
  HostBatch alone;
  const int from = batch.cu_seqlens[text], to = batch.cu_seqlens[text + 1];
  alone.ids_T.assign(batch.ids_T.begin() + from, batch.ids_T.begin() + to);
  alone.token_types_T.assign(batch.token_types_T.begin() + from, batch.token_types_T.begin() + to);
  alone.cu_seqlens = {0, to - from};
  return alone;
}

double root_mean_square(const at::Tensor& x) { return x.square().mean().sqrt().item<double>(); }

}  // namespace

// An input is off by a uniform error of up to half its step, variance step^2 / 12, a weight likewise; both
// are independent of the values and of each other, so their variances add up over the sum.
TEST(an_int8_product_has_the_error_of_its_rounding) {
  const at::NoGradGuard no_grad;
  // Channels of very different sizes: one scale for all would drown the small ones.
  const at::Tensor weight = at::randn({96, 160}) * at::randn({96, 1}).exp();
  const at::Tensor x = at::randn({40, 160}) + 0.5;
  Int8Weight int8(weight.clone());
  const at::Tensor error = int8.product(x, 0, 96) - at::mm(x, weight.t());

  const double input_step = (x.max() - x.min()).item<double>() / input_steps();
  const at::Tensor weight_step = at::amax(weight.abs(), 1, /*keepdim=*/true) / 127;  // [96, 1]
  const at::Tensor variance =
      (at::mm(x.square(), (weight_step.square() / 12).expand({96, 160}).t()) +
       at::mm(at::full({40, 160}, input_step * input_step / 12), weight.square().t()));
  REQUIRE_NEAR(root_mean_square(error / variance.sqrt()), 1, 0.1);
}

TEST(sums_of_the_largest_products_do_not_overflow) {
  const at::NoGradGuard no_grad;
  at::Tensor x = at::full({3, 64}, 1.0f);
  x[0][0] = 0;
  Int8Weight int8(at::full({8, 64}, 1.0f));
  REQUIRE(at::allclose(int8.product(x, 0, 8)[1], at::full({8}, 64.0f), 1e-5));
}

TEST(int8_weights_of_zeros_and_those_that_are_no_numbers) {
  const at::NoGradGuard no_grad;
  Int8Weight zeros(at::zeros({8, 16}));
  REQUIRE(zeros.product(at::randn({2, 16}), 0, 8).equal(at::zeros({2, 8})));
  Int8Weight infinite(at::full({8, 16}, std::numeric_limits<float>::infinity()));
  REQUIRE_THROWS(infinite.product(at::randn({2, 16}), 0, 8), "not a finite number");
}

TEST(parts_of_an_int8_weight_are_packed_apart_and_free_it_together) {
  const at::NoGradGuard no_grad;
  const at::Tensor weight = at::randn({24, 16}), x = at::randn({5, 16});
  at::Tensor held = weight.clone();
  Int8Weight parts(held), whole(weight.clone());
  REQUIRE(!parts.packed() && parts.bytes() == 0);
  const at::Tensor first = parts.product(x, 0, 8);
  REQUIRE(parts.packed() && held.equal(weight));
  const at::Tensor rest = parts.product(x, 8, 16);
  REQUIRE(held.numel() == 0);
  REQUIRE(at::cat({first, rest}, 1).equal(whole.product(x, 0, 24)));
  REQUIRE(parts.product(x, 0, 8).equal(first));
  REQUIRE(parts.bytes() == whole.bytes() && parts.bytes() < weight.numel() * 2 + 24 * 12);
}

// By the first test, a product has an error of 1% of its size in 8 bits, 2% in 7: inputs within 4 deviations
// have steps of 8/255 or 8/127, weights within 3 of 6/254, all over sqrt(12). Four products of a layer follow
// one another, and its residuals halve what comes of them: 1% or 2% a layer where each part passes errors on
// as they are. The sharp softmax of these random weights and the activation, whose outputs have a longer
// tail, make it several times as much, and so the bound is 10% or 20%. What is wrong, such as a scale or a
// part that is left out, is off by as much as the logits are.
TEST(int8_logits_are_near_those_of_float32) {
  const double tolerance = input_steps() > 200 ? 0.1 : 0.2;
  for (const int64_t head_size : {32, 64}) {
    for (const Family family : kFamilies) {
      for (const int64_t layers : {1, 2}) {
        ModelConfig config = tiny_config(family);
        config.num_attention_heads = 2;
        config.hidden_size = 2 * head_size;
        config.intermediate_size = 4 * config.hidden_size;
        config.num_hidden_layers = layers;
        config.num_labels = 8;
        const HostBatch batch = random_batch(config, {1, 9, 33, 2, 17});
        const at::Tensor expected = open(config, Precision::kFloat32)->forward(batch).logits_BL;
        const auto session = open(config, Precision::kInt8);
        const auto require_near = [&](const at::Tensor& logits) {
          const double far = root_mean_square(logits - expected) / root_mean_square(expected);
          // Nearer would be float32 itself.
          if (!(far > 1e-3 && far < tolerance))
            fail(__FILE__, __LINE__, "logits differ by " + std::to_string(far));
        };
        const at::Tensor together = session->forward(batch).logits_BL;
        require_near(together);
        REQUIRE(session->forward(batch).logits_BL.equal(together));
        std::vector<at::Tensor> alone;
        for (int64_t text = 0; text < batch.texts(); ++text)
          alone.push_back(session->forward(text_of(batch, text)).logits_BL);
        require_near(at::cat(alone));
      }
    }
  }
}

TEST(int8_keeps_its_encoder_layers_in_a_quarter_of_the_memory) {
  ModelConfig config = tiny_config();
  config.hidden_size = 96;
  config.intermediate_size = 384;
  const auto session = open(config, Precision::kInt8);
  const int64_t before = session->bytes();
  session->forward(random_batch(config, {4, 5}));
  const int64_t layers = config.num_hidden_layers * (4 * 96 * 96 + 2 * 96 * 384);
  const int64_t channels = config.num_hidden_layers * (4 * 96 + 384 + 96);
  REQUIRE(before - session->bytes() == 3 * layers - 12 * channels);

  const std::string query = "bert.encoder.layer.0.attention.self.query.weight";
  REQUIRE_THROWS(session->read(TensorKind::kWeight, query), "is in int8 by now");
  REQUIRE_THROWS(session->write(TensorKind::kWeight, query, at::zeros({96, 96})), "is in int8 by now");
  REQUIRE_THROWS(session->initialize({query}), "is in int8 by now");
  for (const char* name : {"bert.encoder.layer.0.attention.self.query.bias", "bert.pooler.dense.weight",
                           "bert.embeddings.word_embeddings.weight"}) {
    session->write(TensorKind::kWeight, name, session->read(TensorKind::kWeight, name));
  }
}

TEST(int8_is_not_for_training_nor_for_other_devices) {
  const ModelConfig config = tiny_config();
  const auto session = open(config, Precision::kInt8);
  REQUIRE_THROWS(session->trainer.configure(TrainingConfig{}), "a model in int8 cannot be trained");
  REQUIRE_THROWS(session->trainer.backward(random_batch(config, {4, 5})),
                 "a model in int8 cannot be trained");
  SessionConfig options;
  options.model = config;
  options.precision = Precision::kInt8;
  options.device = "meta";
  REQUIRE_THROWS(Session(options, nullptr), "runs on the CPU only");
}
