#include <ATen/ops/tanh.h>

#include "engine/nn/encoder.h"
#include "engine/nn/model.h"

namespace finetag {

namespace {

/// Hugging Face's RobertaForSequenceClassification (Liu et al. 2019): no pooler, a head of two layers with
/// dropout before each.
class Roberta : public Model {
 public:
  Roberta(ParameterStore& store, const ModelConfig& config)
      : dropout_(config.classifier_dropout),
        encoder_(store, "roberta", config),
        dense_(store, "classifier.dense", config.hidden_size, config.hidden_size),
        out_proj_(store, "classifier.out_proj", config.hidden_size, config.num_labels) {}

  at::Tensor forward(const Batch& batch, ForwardContext& context) const override {
    const at::Tensor first_BH = context.drop(encoder_.forward(batch, context), dropout_);
    return out_proj_(context.drop(at::tanh(dense_(first_BH)), dropout_));
  }

 private:
  double dropout_;
  Encoder encoder_;
  Linear dense_;
  Linear out_proj_;
};

}  // namespace

std::unique_ptr<Model> make_roberta(ParameterStore& store, const ModelConfig& config) {
  return std::make_unique<Roberta>(store, config);
}

}  // namespace finetag
