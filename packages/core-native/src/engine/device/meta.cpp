#include "engine/device/meta.h"

#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include <array>
#include <optional>
#include <tuple>
#include <vector>

namespace finetag {

namespace {

void expect_meta(at::TensorList tensors) {
  for (const at::Tensor& tensor : tensors) {
    TORCH_CHECK(tensor.is_meta(), "expected a tensor on the meta device, not on ", tensor.device());
  }
}

bool is_given(const std::optional<at::Tensor>& tensor) { return tensor.has_value() && tensor->defined(); }

at::Tensor index_select(const at::Tensor& self, int64_t dim, const at::Tensor& index) {
  expect_meta({self, index});
  std::vector<int64_t> shape = self.sizes().vec();
  shape.at(dim) = index.numel();
  return self.new_empty(shape);
}

at::Tensor embedding_dense_backward(const at::Tensor& grad, const at::Tensor& indices, c10::SymInt rows,
                                    c10::SymInt, bool) {
  expect_meta({grad, indices});
  return grad.new_empty({rows.expect_int(), grad.size(-1)});
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> native_layer_norm(const at::Tensor& input, c10::SymIntArrayRef,
                                                                 const std::optional<at::Tensor>& weight,
                                                                 const std::optional<at::Tensor>& bias,
                                                                 double) {
  expect_meta({input, *weight});
  if (is_given(bias)) expect_meta({*bias});
  const at::Tensor statistic = input.new_empty({input.size(0), 1});
  return {at::empty_like(input), statistic, at::empty_like(statistic)};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> native_layer_norm_backward(
    const at::Tensor& grad, const at::Tensor& input, c10::SymIntArrayRef, const at::Tensor& mean,
    const at::Tensor& rstd, const std::optional<at::Tensor>& weight, const std::optional<at::Tensor>& bias,
    std::array<bool, 3>) {
  expect_meta({grad, input, mean, rstd, *weight});
  if (is_given(bias)) expect_meta({*bias});
  return {at::empty_like(input), at::empty_like(*weight),
          is_given(bias) ? at::empty_like(*bias) : at::Tensor()};
}

std::tuple<at::Tensor, at::Tensor> log_sigmoid_forward(const at::Tensor& self) {
  return {at::empty_like(self), at::empty_like(self)};
}

std::tuple<at::Tensor, at::Tensor> native_dropout(const at::Tensor& self, double, std::optional<bool>) {
  expect_meta({self});
  return {at::empty_like(self), at::empty_like(self, self.options().dtype(at::kBool))};
}

at::Tensor native_dropout_backward(const at::Tensor& grad, const at::Tensor& mask, double) {
  expect_meta({grad, mask});
  return at::empty_like(grad);
}

at::Tensor relu(const at::Tensor& self) { return at::empty_like(self); }

void fused_adamw(at::TensorList values, at::TensorList grads, at::TensorList exp_avgs,
                 at::TensorList exp_avg_sqs, at::TensorList, at::TensorList steps, double, double, double,
                 double, double, bool, bool, const std::optional<at::Tensor>& grad_scale,
                 const std::optional<at::Tensor>&) {
  for (const at::TensorList list : {values, grads, exp_avgs, exp_avg_sqs, steps}) expect_meta(list);
  if (grad_scale) expect_meta({*grad_scale});
}

}  // namespace

void register_meta_kernels() {
  // Leaked: other threads may still run while the process exits. Held, so that the leak sanitizer finds it in
  // use.
  [[gnu::used]] static torch::Library* const kernels = [] {
    auto* library =
        new torch::Library(torch::Library::IMPL, "aten", c10::DispatchKey::Meta, __FILE__, __LINE__);
    library->impl("index_select", index_select);
    library->impl("embedding_dense_backward", embedding_dense_backward);
    library->impl("native_layer_norm", native_layer_norm);
    library->impl("native_layer_norm_backward", native_layer_norm_backward);
    library->impl("native_dropout", native_dropout);
    library->impl("native_dropout_backward", native_dropout_backward);
    library->impl("log_sigmoid_forward", log_sigmoid_forward);
    library->impl("relu", relu);
    library->impl("_fused_adamw_", fused_adamw);
    return library;
  }();
}

}  // namespace finetag
