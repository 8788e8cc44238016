#include "engine/optim/adamw.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>

#include <vector>

namespace finetag {

namespace {

/// The tensors of one weight-decay group that have a gradient, in the optimizer's parallel lists.
struct Group {
  std::vector<at::Tensor> values, gradients, exp_avgs, exp_avg_sqs, steps;
};

Group collect(ParameterStore& store, bool decays, const at::Tensor& step) {
  Group group;
  for (StoredParameter& parameter : store.stored()) {
    const at::Tensor& gradient = parameter.value.grad();
    if (parameter.decays != decays || !gradient.defined()) continue;
    group.values.push_back(parameter.value.detach());
    group.gradients.push_back(gradient);
    group.exp_avgs.push_back(parameter.exp_avg);
    group.exp_avg_sqs.push_back(parameter.exp_avg_sq);
    group.steps.push_back(step);
  }
  return group;
}

}  // namespace

at::Tensor gradient_norm(const ParameterStore& store) {
  std::vector<at::Tensor> gradients;
  for (const StoredParameter& parameter : store.stored()) {
    if (parameter.value.grad().defined()) gradients.push_back(parameter.value.grad());
  }
  return at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2)), 2);
}

void adamw_step(ParameterStore& store, const AdamWOptions& options, int64_t step, const at::Tensor& loss,
                const at::Tensor& norm, double max_norm) {
  const at::TensorOptions on_device = store.stored().front().value.options().requires_grad(false);
  const at::Tensor step_tensor = at::full({}, static_cast<double>(step), on_device);
  // A number less itself is 0, unless it is not finite.
  const at::Tensor not_finite = (loss - loss + (norm - norm)).ne(0).to(at::kFloat);
  std::optional<at::Tensor> divisor;
  if (max_norm > 0) divisor = ((norm + 1e-6) / max_norm).clamp_min(1.0);
  for (const bool decays : {true, false}) {
    const Group group = collect(store, decays, step_tensor);
    if (group.values.empty()) continue;
    at::_fused_adamw_(group.values, group.gradients, group.exp_avgs, group.exp_avg_sqs, {}, group.steps,
                      options.learning_rate, options.beta1, options.beta2,
                      decays ? options.weight_decay : 0.0, options.epsilon, /*amsgrad=*/false,
                      /*maximize=*/false, divisor, not_finite);
  }
}

void clear_gradients(ParameterStore& store) {
  for (StoredParameter& parameter : store.stored()) {
    parameter.value.mutable_grad() = at::Tensor();
    if (parameter.rows != nullptr) parameter.rows->clear();
  }
}

}  // namespace finetag
