// A training step on the `meta` device, which has shapes and no data: an operator that mixes devices, as a
// tensor made on the CPU by mistake would on a GPU, fails here without one.
#include <ATen/TensorOperators.h>
#include <torch/csrc/autograd/autograd.h>

#include "check.h"
#include "engine/device/device.h"
#include "engine/loss/bce.h"
#include "helpers.h"

using namespace finetag;
using namespace finetag::test;

namespace {

/// Loss of a training pass over a batch of texts of different lengths, with one of its tensors moved by
/// `change`.
template <typename F>
void train_on_meta(const ModelConfig& config, F&& change) {
  const c10::Device meta = parse_device("meta");
  ParameterStore store(meta, false);
  const auto model = make_model(store, config);
  HostBatch host = random_batch(config, {3, 5});
  host.label_mask_BL.assign(host.labels_BL.size(), 1.0f);
  Batch batch = to_device(host, config, meta);
  change(batch);
  ForwardContext context;
  context.training = true;
  torch::autograd::backward(
      {bce_with_logits_sum(model->forward(batch, context), batch.labels_BL, batch.label_mask_BL, false)});
  for (const StoredParameter& parameter : store.stored()) {
    REQUIRE(parameter.value.grad().is_meta() && parameter.value.grad().sizes() == parameter.value.sizes());
  }
}

}  // namespace

TEST(a_training_step_stays_on_its_device) {
  for (const Family family : kFamilies) {
    for (const Activation activation :
         {Activation::kGelu, Activation::kGeluTanh, Activation::kRelu, Activation::kSilu}) {
      SessionConfig options;
      options.model = tiny_config(family, 0.1);
      options.model.hidden_act = activation;
      options.device = "meta";
      TrainedSession session(options, nullptr);
      for (const NamedParameter& parameter : session.parameters()) session.initialize({parameter.name});
      TrainingConfig training;
      training.max_grad_norm = 1e-9;
      session.trainer.configure(training);
      const HostBatch ragged = random_batch(options.model, {3, 9, 1}),
                      even = random_batch(options.model, {4, 4});
      REQUIRE(session.trainer.train_step({ragged, even}).step == 1);
      REQUIRE(session.trainer.train_step({even}).step == 2);
      REQUIRE(session.forward(ragged).logits_BL.sizes() == at::IntArrayRef({3, 3}));
    }
  }
}

TEST(a_tensor_on_another_device_is_refused) {
  const ModelConfig config = tiny_config(Family::kErnie, 0.1);
  train_on_meta(config, [](Batch&) {});
  at::Tensor Batch::* const tensors[] = {&Batch::ids_T,         &Batch::token_types_T,  &Batch::positions_T,
                                         &Batch::first_token_B, &Batch::padded_from_BS, &Batch::packed_from_T,
                                         &Batch::key_bias_B11S, &Batch::labels_BL,      &Batch::label_mask_BL,
                                         &Batch::task_types_T};
  for (size_t i = 0; i < std::size(tensors); ++i) {
    bool refused = false;
    try {
      train_on_meta(config, [&](Batch& batch) {
        at::Tensor& tensor = batch.*tensors[i];
        tensor = tensor.new_zeros(tensor.sizes(), tensor.options().device(c10::kCPU));
      });
    } catch (const c10::Error&) {
      refused = true;
    }
    if (!refused) fail(__FILE__, __LINE__, "tensor " + std::to_string(i) + " was accepted");
  }
}
