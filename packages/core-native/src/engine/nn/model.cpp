#include "engine/nn/model.h"

#include "engine/nn/families.h"

namespace finetag {

namespace {

FamilyPlan make_plan(const ModelConfig& config) {
  switch (config.family) {
    case Family::kBert:
      return plan_bert(config);
    case Family::kRoberta:
      return plan_roberta(config);
    case Family::kAlbert:
      return plan_albert(config);
    case Family::kDistilbert:
      return plan_distilbert(config);
    case Family::kElectra:
      return plan_electra(config);
    case Family::kErnie:
      break;
  }
  return plan_ernie(config);
}

/// A post-LN family.
class PlannedModel : public Model {
 public:
  PlannedModel(ParameterStore& store, const FamilyPlan& plan, const ModelConfig& config)
      : encoder_(store, plan.encoder, config), head_(store, plan.head, config) {}

  at::Tensor forward(const Batch& batch, ForwardContext& context) const override {
    return head_.forward(encoder_.forward(batch, context), context);
  }

 private:
  Encoder encoder_;
  Head head_;
};

}  // namespace

std::unique_ptr<Model> make_model(ParameterStore& store, const ModelConfig& config) {
  return std::make_unique<PlannedModel>(store, make_plan(config), config);
}

}  // namespace finetag
