#include "engine/nn/model.h"

#include <string>

#include "engine/core/error.h"
#include "engine/nn/families/families.h"

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
      return plan_ernie(config);
  }
  throw Error(ErrorCode::kArgument, "the engine has no plan for model family number " +
                                        std::to_string(static_cast<int>(config.family)));
}

/// A post-LN family.
class PlannedModel : public Model {
 public:
  PlannedModel(ParameterStore& store, const FamilyPlan& plan, const ModelConfig& config)
      : encoder_(store, plan.encoder, config), pooling_(plan.pooling), head_(store, plan.head, config) {}

  at::Tensor forward(const Batch& batch, ForwardContext& context) const override {
    const at::Tensor states_RH = encoder_.forward(batch, context, reads_first_only(pooling_));
    return head_.forward(pool(states_RH, batch, pooling_), context);
  }

  BatchTables tables(bool fused) const override { return encoder_.tables(fused) | tables_of(pooling_); }

 private:
  Encoder encoder_;
  Pooling pooling_;
  Head head_;
};

}  // namespace

std::unique_ptr<Model> make_planned_model(ParameterStore& store, const FamilyPlan& plan,
                                          const ModelConfig& config) {
  return std::make_unique<PlannedModel>(store, plan, config);
}

std::unique_ptr<Model> make_model(ParameterStore& store, const ModelConfig& config) {
  return make_planned_model(store, make_plan(config), config);
}

}  // namespace finetag
