#include "engine/ops/pack.h"

#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "engine/core/error.h"

namespace finetag {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

class PadFunction : public Function<PadFunction> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x_TH, const at::Tensor& padded_from,
                            const at::Tensor& packed_from) {
    ctx->save_for_backward({packed_from});
    return at::index_select(x_TH, 0, padded_from);
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    // A gather: faster than the scatter-add autograd would run, and the same for real tokens.
    return {at::index_select(grads[0], 0, ctx->get_saved_variables()[0]), {}, {}};
  }
};

class UnpadFunction : public Function<UnpadFunction> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x_SH, const at::Tensor& packed_from) {
    ctx->save_for_backward({packed_from});
    ctx->saved_data["slots"] = x_SH.size(0);
    return at::index_select(x_SH, 0, packed_from);
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const at::Tensor& grad_TH = grads[0];
    at::Tensor grad_SH = at::zeros({ctx->saved_data["slots"].toInt(), grad_TH.size(1)}, grad_TH.options());
    grad_SH.index_copy_(0, ctx->get_saved_variables()[0], grad_TH);
    return {grad_SH, {}};
  }
};

}  // namespace

at::Tensor pad(const at::Tensor& x_TH, const Batch& batch) {
  if (batch.is_ragged() && !batch.padded_from_BS.defined())
    throw Error(ErrorCode::kNative, "the batch has no tables for padding; the model must ask for them");
  const at::Tensor slots =
      batch.is_ragged() ? PadFunction::apply(x_TH, batch.padded_from_BS, batch.packed_from_T) : x_TH;
  return slots.view({batch.texts, batch.max_length, x_TH.size(1)});
}

at::Tensor unpad(const at::Tensor& x_BSH, const Batch& batch) {
  const at::Tensor slots = x_BSH.reshape({batch.texts * batch.max_length, x_BSH.size(2)});
  return batch.is_ragged() ? UnpadFunction::apply(slots, batch.packed_from_T) : slots;
}

}  // namespace finetag
