#include "engine/ops/random/dropout.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/native_dropout.h>

#include <tuple>

#include "engine/ops/fused.h"
#include "engine/ops/random/device_seed.h"

namespace finetag {

namespace {

at::Tensor drop_cpu(const at::Tensor& x, double p, const DropoutKey& key) {
  const at::Tensor from = x.to(at::kFloat).contiguous();
  const at::Tensor to = at::empty_like(from);
  const int64_t columns = from.dim() > 0 ? from.size(-1) : 1;
  if (columns == 0) return x;
  const DropoutMask mask = make_mask(p, key);
  parallel_rows(from.numel() / columns, columns, [&](int64_t begin, int64_t end) {
    kernels().dropout(data(from), mutable_data(to), columns, mask, begin, end);
  });
  return to.to(x.scalar_type());
}

/// Any other device: libtorch's kernel, forward and backward one launch each. It keeps the mask, a byte an
/// element, until the backward pass.
at::Tensor drop_elsewhere(const at::Tensor& x, double p, const DropoutKey& key) {
  return with_device_seed(x.device(), key,
                          [&] { return std::get<0>(at::native_dropout(x, p, /*train=*/true)); });
}

struct DropoutBackward : torch::autograd::Node {
  double p;
  DropoutKey key;

  torch::autograd::variable_list apply(torch::autograd::variable_list&& grads) override {
    const at::NoGradGuard no_grad;
    return {drop_cpu(grads[0], p, key)};
  }
};

}  // namespace

at::Tensor dropout(const at::Tensor& x, double p, DropoutKey key) {
  if (p == 0.0) return x;
  if (!x.is_cpu()) return drop_elsewhere(x, p, key);
  at::Tensor y;
  {
    const at::NoGradGuard no_grad;
    y = drop_cpu(x.detach(), p, key);
  }
  if (at::GradMode::is_enabled() && x.requires_grad()) {
    const auto node = c10::make_intrusive<DropoutBackward>();
    node->p = p;
    node->key = key;
    record(node, y, {x});
  }
  return y;
}

}  // namespace finetag
