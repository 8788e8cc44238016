#include "engine/nn/head.h"

#include "engine/ops/linear.h"

namespace finetag {

Head::Head(ParameterStore& store, const HeadPlan& plan, const ModelConfig& config)
    : plan_(plan),
      dropout_(config.classifier_dropout),
      dense_(store, plan.dense, config.hidden_size, config.hidden_size),
      output_(store, plan.output, config.hidden_size, config.num_labels) {}

at::Tensor Head::forward(const at::Tensor& x_BH, ForwardContext& context) const {
  const at::Tensor input_BH = plan_.drops_input ? context.drop(x_BH, dropout_) : x_BH;
  const at::Tensor dense_BH = plan_.activation(linear(input_BH, dense_, context.fused));
  return linear(context.drop(dense_BH, dropout_), output_, context.fused);
}

}  // namespace finetag
