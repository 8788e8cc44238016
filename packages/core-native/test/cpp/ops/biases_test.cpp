// Linear layers and norms without a bias: what they compute is what a bias of zeros would give.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <torch/csrc/autograd/autograd.h>

#include "check.h"
#include "engine/device/device.h"
#include "engine/ops/embedding/embed.h"
#include "engine/ops/linear.h"
#include "engine/ops/sublayer/attention_sublayer.h"
#include "engine/ops/sublayer/feed_forward_sublayer.h"
#include "helpers.h"

using namespace finetag;
using namespace finetag::test;

namespace {

/// Every op that has a linear layer or a norm, one after the other.
struct Net {
  ParameterStore store;
  bool fused;
  ModelConfig config = tiny_config(Family::kBert, 0.2);
  EmbeddingWeights embeddings;
  AttentionWeights attention;
  FeedForwardWeights feed_forward;
  LinearWeights head;

  Net(c10::Device device, bool fused_, Bias bias, bool int8 = false)
      : store(device, fused_, int8), fused(fused_) {
    const int64_t H = config.hidden_size, I = config.intermediate_size;
    embeddings.words = {store.add("words.weight", {config.vocab_size, H}, ParameterRole::kWeight, 0), 0};
    embeddings.words_gradient = store.add_row_gradient();
    embeddings.norm = LayerNorm(store, "words.norm", H, 1e-5, bias);
    attention.query_key_value =
        Linear(store, std::vector<std::string>{"query", "key", "value"}, H, 3 * H, bias);
    attention.output = Linear(store, "attention.output", H, H, bias);
    attention.norm = LayerNorm(store, "attention.norm", H, 1e-5, bias);
    feed_forward.intermediate = Linear(store, "intermediate", H, I, bias);
    feed_forward.output = Linear(store, "output", I, H, bias);
    feed_forward.norm = LayerNorm(store, "norm", H, 1e-5, bias);
    head = Linear(store, "head", H, 5, bias);
    for (const NamedParameter& parameter : store.named()) store.initialize(parameter.name, 7, 0.3);
  }

  at::Tensor forward(const HostBatch& host, bool first_only, bool training) {
    const Batch batch =
        to_device(host, config, store.stored().front().value.device(), attention_tables(fused));
    ForwardContext context{.training = training, .fused = fused};
    const at::Tensor x = embed(batch, embeddings, context.next_dropout(0.2), fused);
    const Dropout probabilities = context.next_dropout(0.2);
    const AttentionOptions options{config.num_attention_heads, probabilities, context.next_dropout(0.2),
                                   first_only};
    const at::Tensor attended = attention_sublayer(x, attention, batch, options, fused);
    const at::Tensor y =
        feed_forward_sublayer(attended, feed_forward, config.hidden_act, context.next_dropout(0.2), fused);
    return linear(y, head, fused);
  }

  at::Tensor gradient(const std::string& name) {
    const NamedParameter& parameter = store.find(name);
    return store.slice(parameter, store.stored()[parameter.storage].dense_gradient());
  }
};

const std::vector<std::vector<int>> kTexts = {{1}, {5, 5}, {16, 1, 17, 3, 31}};

HostBatch texts_of(const std::vector<int>& lengths) { return random_batch(tiny_config(), lengths); }

void require_alike(Net& net, Net& other, double tolerance, const std::string& what) {
  for (const std::vector<int>& lengths : kTexts) {
    for (const bool first_only : {false, true}) {
      const at::Tensor y = net.forward(texts_of(lengths), first_only, true);
      const at::Tensor expected = other.forward(texts_of(lengths), first_only, true);
      require_close(y.detach(), expected.detach(), what, tolerance);
      torch::autograd::backward({y.square().sum()});
      torch::autograd::backward({expected.square().sum()});
      for (const NamedParameter& parameter : net.store.named())
        require_close(net.gradient(parameter.name), other.gradient(parameter.name),
                      what + ": gradient of " + parameter.name, tolerance);
      for (Net* each : {&net, &other}) {
        for (StoredParameter& parameter : each->store.stored()) {
          parameter.value.mutable_grad() = at::Tensor();
          if (parameter.rows != nullptr) parameter.rows->clear();
        }
      }
    }
  }
}

}  // namespace

TEST(layers_without_a_bias_have_no_such_parameter) {
  Net net(c10::kCPU, true, Bias::kNone);
  for (const NamedParameter& parameter : net.store.named()) REQUIRE(parameter.name.ends_with(".weight"));
  REQUIRE(net.store.named().size() == 11);
  REQUIRE(Net(c10::kCPU, true, Bias::kAdded).store.named().size() == 21);
}

TEST(no_bias_is_a_bias_of_zeros) {
  for (const bool fused : {true, false}) {
    Net without(c10::kCPU, fused, Bias::kNone), zeros(c10::kCPU, fused, Bias::kAdded);
    // The kernels add nothing where they would add zeros; libtorch has another product for it.
    require_alike(without, zeros, fused ? 0.0 : kTolerance, fused ? "fused" : "composite");
  }
}

TEST(fused_ops_without_a_bias_equal_their_composites) {
  Net fused(c10::kCPU, true, Bias::kNone), composite(c10::kCPU, false, Bias::kNone);
  require_alike(fused, composite, kTolerance, "without a bias");
}

TEST(layers_without_a_bias_have_shapes_on_any_device) {
  Net net(parse_device("meta"), false, Bias::kNone);
  const at::Tensor y = net.forward(texts_of({3, 5}), false, true);
  REQUIRE(y.is_meta() && y.sizes() == at::IntArrayRef({8, 5}));
  torch::autograd::backward({y.sum()});
  for (const StoredParameter& parameter : net.store.stored()) REQUIRE(parameter.value.grad().is_meta());
}

// Composite ops as well: in an int8 session, one of them may stand among fused ones.
TEST(int8_layers_without_a_bias) {
  const at::NoGradGuard no_grad;
  for (const bool first_only : {false, true}) {
    Net exact(c10::kCPU, true, Bias::kNone);
    Net without(c10::kCPU, true, Bias::kNone, true), zeros(c10::kCPU, true, Bias::kAdded, true);
    Net composite(c10::kCPU, false, Bias::kNone, true), other(c10::kCPU, false, Bias::kAdded, true);
    const HostBatch texts = texts_of({16, 1, 17, 3, 31});
    const at::Tensor float32 = exact.forward(texts, first_only, false);
    for (int pass = 0; pass < 2; ++pass) {  // in the second, the float32 weights are gone
      const at::Tensor y = without.forward(texts, first_only, false);
      REQUIRE(y.equal(zeros.forward(texts, first_only, false)));
      const at::Tensor plain = composite.forward(texts, first_only, false);
      REQUIRE(plain.equal(other.forward(texts, first_only, false)));
      // Random weights of this size sharpen the softmax, as in quantized_test; nearer would be float32
      // itself.
      REQUIRE(distance(y, float32) > 1e-4 && distance(y, float32) < 0.2);
      REQUIRE(distance(plain, float32) > 1e-4 && distance(plain, float32) < 0.2);
    }
    REQUIRE(composite.attention.output.weight.numel() == 0 && without.attention.output.weight.numel() == 0);
  }
}
