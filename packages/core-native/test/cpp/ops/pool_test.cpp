// Pooling against plain loops in double precision, and models that pool otherwise than by the first token.
#include "engine/ops/pool.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randn.h>
#include <torch/csrc/autograd/autograd.h>

#include "check.h"
#include "engine/device/device.h"
#include "engine/nn/families/families.h"
#include "helpers.h"

using namespace finetag;
using namespace finetag::test;

namespace {

constexpr int64_t kFeatures = 6;

struct Pooled {
  std::vector<double> y, grad;  // [B, H], and [T, H] where the gradient of y is `grad_y`
};

Pooled reference(Pooling pooling, const std::vector<int>& lengths, const at::Tensor& x_TH,
                 const at::Tensor& grad_y_BH) {
  const int64_t H = kFeatures;
  const float *x = x_TH.const_data_ptr<float>(), *grad_y = grad_y_BH.const_data_ptr<float>();
  Pooled pooled{std::vector<double>(lengths.size() * H), std::vector<double>(x_TH.numel())};
  int64_t start = 0;
  for (size_t b = 0; b < lengths.size(); ++b) {
    const int64_t S = lengths[b];
    for (int64_t h = 0; h < H; ++h) {
      const auto at = [&](int64_t token) { return (start + token) * H + h; };
      double& y = pooled.y[b * H + h];
      int64_t chosen = 0;
      if (pooling == Pooling::kMax) {
        for (int64_t i = 1; i < S; ++i)
          if (x[at(i)] > x[at(chosen)]) chosen = i;
      }
      if (pooling == Pooling::kMean) {
        for (int64_t i = 0; i < S; ++i) {
          y += static_cast<double>(x[at(i)]) / static_cast<double>(S);
          pooled.grad[at(i)] = static_cast<double>(grad_y[b * H + h]) / static_cast<double>(S);
        }
      } else {
        y = x[at(chosen)];
        pooled.grad[at(chosen)] = grad_y[b * H + h];
      }
    }
    start += S;
  }
  return pooled;
}

HostBatch texts_of(const std::vector<int>& lengths) { return random_batch(tiny_config(), lengths); }

void require_near(const at::Tensor& actual, const std::vector<double>& expected) {
  REQUIRE(actual.numel() == static_cast<int64_t>(expected.size()));
  const at::Tensor values = actual.contiguous();
  for (size_t i = 0; i < expected.size(); ++i)
    REQUIRE_NEAR(values.const_data_ptr<float>()[i], expected[i], 1e-6);
}

/// BERT with another pooling.
ModelFactory bert_with(Pooling pooling) {
  return [pooling](ParameterStore& store, const ModelConfig& config) {
    FamilyPlan plan = plan_bert(config);
    plan.pooling = pooling;
    return make_planned_model(store, plan, config);
  };
}

std::unique_ptr<TrainedSession> open(const ModelConfig& config, Pooling pooling, bool fused) {
  SessionConfig options;
  options.model = config;
  options.threads = 2;
  options.fused = fused;
  auto session = std::make_unique<TrainedSession>(options, nullptr, bert_with(pooling));
  for (const NamedParameter& parameter : session->parameters()) session->initialize({parameter.name});
  return session;
}

}  // namespace

TEST(pooling_equals_its_formula) {
  for (const std::vector<int>& lengths :
       {std::vector{3, 1, 5}, std::vector{4, 4}, std::vector{7}, std::vector{1, 1}}) {
    const HostBatch host = texts_of(lengths);
    const Batch batch = to_device(host, tiny_config(), c10::kCPU);
    for (const Pooling pooling : {Pooling::kFirstToken, Pooling::kMean, Pooling::kMax}) {
      // All below zero, so that a zero of the padding would be the largest.
      at::Tensor x_TH = at::randn({host.tokens(), kFeatures}).abs().neg() - 0.5;
      x_TH.set_requires_grad(true);
      const at::Tensor grad_y_BH = at::randn({host.texts(), kFeatures});
      const at::Tensor y_BH = pool(x_TH, batch, pooling);
      torch::autograd::backward({(y_BH * grad_y_BH).sum()});
      const Pooled expected = reference(pooling, lengths, x_TH.detach(), grad_y_BH);
      require_near(y_BH.detach(), expected.y);
      require_near(x_TH.grad(), expected.grad);
    }
  }
}

TEST(a_mean_of_bfloat16_states_is_summed_in_float32) {
  const HostBatch host = texts_of({300, 2});
  const Batch batch = to_device(host, tiny_config(), c10::kCPU);
  const at::Tensor x_TH = (at::randn({host.tokens(), kFeatures}) + 3).to(at::kBFloat16);
  const at::Tensor y_BH = pool(x_TH, batch, Pooling::kMean);
  REQUIRE(y_BH.scalar_type() == at::kFloat);
  REQUIRE((y_BH[0] - x_TH.to(at::kDouble).narrow(0, 0, 300).mean(0)).abs().max().item<double>() < 1e-5);
}

TEST(pooling_has_shapes_on_any_device) {
  const c10::Device meta = parse_device("meta");
  for (const std::vector<int>& lengths : {std::vector{3, 1, 5}, std::vector{4, 4}}) {
    const HostBatch host = texts_of(lengths);
    const Batch batch = to_device(host, tiny_config(), meta);
    const at::Tensor x_TH = at::empty({host.tokens(), kFeatures}, at::TensorOptions().device(meta));
    for (const Pooling pooling : {Pooling::kMean, Pooling::kMax}) {
      const at::Tensor y_BH = pool(x_TH, batch, pooling);
      REQUIRE(y_BH.is_meta() && y_BH.sizes() == at::IntArrayRef({host.texts(), kFeatures}));
    }
  }
}

TEST(every_pooling_works_in_a_fused_session) {
  for (const Pooling pooling : {Pooling::kFirstToken, Pooling::kMean, Pooling::kMax}) {
    // Without dropout: where all tokens are read, its masks are those of all rows.
    const ModelConfig config = tiny_config();
    for (const std::vector<int>& lengths : {std::vector{5, 5}, std::vector{16, 1, 17, 3}}) {
      const HostBatch batch = random_batch(config, lengths);
      const auto fused = open(config, pooling, true), composite = open(config, pooling, false);
      require_close(fused->forward(batch).logits_BL, composite->forward(batch).logits_BL, "logits",
                    kTolerance);
      REQUIRE_NEAR(fused->trainer.backward(batch), composite->trainer.backward(batch), 1e-5);
      require_same_gradients(*fused, *composite, "pooling");
    }
  }
}

// The shortcut of the last layer leaves out work, not numbers.
TEST(the_first_tokens_alone_are_those_of_all_states) {
  const ModelConfig config = tiny_config();
  const Batch batch = to_device(random_batch(config, {16, 1, 17, 3}), config, c10::kCPU);
  for (const bool fused : {true, false}) {
    ParameterStore store(c10::kCPU, fused);
    const Encoder encoder(store, bert_encoder("bert", config), config);
    for (const NamedParameter& parameter : store.named()) store.initialize(parameter.name, 1, 0.2);
    const auto states = [&](bool first_only) {
      ForwardContext context{.fused = fused};
      return encoder.forward(batch, context, first_only);
    };
    const at::Tensor first_BH = states(true), all_TH = states(false);
    REQUIRE(first_BH.size(0) == 4 && all_TH.size(0) == 37);
    REQUIRE(pool(first_BH, batch, Pooling::kFirstToken).is_same(first_BH));
    require_close(first_BH, pool(all_TH, batch, Pooling::kFirstToken), "first tokens", 1e-5);
  }
}
