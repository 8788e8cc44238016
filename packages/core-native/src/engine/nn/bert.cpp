#include <ATen/ops/tanh.h>

#include "engine/nn/encoder.h"
#include "engine/nn/model.h"

namespace finetag {

namespace {

/// Hugging Face's BertForSequenceClassification (Devlin et al. 2019): pooler, dropout, linear head.
class Bert : public Model {
 public:
  Bert(ParameterStore& store, const ModelConfig& config)
      : dropout_(config.classifier_dropout),
        encoder_(store, "bert", config),
        pooler_(store, "bert.pooler.dense", config.hidden_size, config.hidden_size),
        classifier_(store, "classifier", config.hidden_size, config.num_labels) {}

  at::Tensor forward(const Batch& batch, ForwardContext& context) const override {
    const at::Tensor pooled_BH = at::tanh(pooler_(encoder_.forward(batch, context)));
    return classifier_(context.drop(pooled_BH, dropout_));
  }

 private:
  double dropout_;
  Encoder encoder_;
  Linear pooler_;
  Linear classifier_;
};

}  // namespace

std::unique_ptr<Model> make_bert(ParameterStore& store, const ModelConfig& config) {
  return std::make_unique<Bert>(store, config);
}

}  // namespace finetag
