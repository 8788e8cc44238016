#include "engine/ops/dropout.h"

#include <ATen/core/Generator.h>
#include <ATen/core/grad_mode.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/empty_like.h>

#include "engine/core/philox.h"
#include "engine/ops/fused.h"

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

/// Any other device: its own generator, seeded from the key, draws the mask anew in each pass.
at::Tensor drop_elsewhere(const at::Tensor& x, double p, const DropoutKey& key) {
  at::Tensor keep = at::empty_like(x);
  if (!x.is_meta()) {
    at::Generator generator = at::detail::getCUDAHooks().getNewGenerator(x.device().index());
    generator.set_current_seed(device_seed(key));
    keep.bernoulli_(1.0 - p, generator);
  }
  // In this order bfloat16 rounds once.
  return keep.mul_(x).mul_(1.0 / (1.0 - p));
}

at::Tensor drop(const at::Tensor& x_any, double p, const DropoutKey& key) {
  const at::Tensor x = x_any.contiguous();
  return x.is_cpu() ? drop_cpu(x, p, key) : drop_elsewhere(x, p, key);
}

struct Backward : torch::autograd::Node {
  double p;
  DropoutKey key;

  torch::autograd::variable_list apply(torch::autograd::variable_list&& grads) override {
    const at::NoGradGuard no_grad;
    return {drop(grads[0], p, key)};
  }
};

}  // namespace

uint64_t device_seed(const DropoutKey& key) {
  const auto words = Philox::block({0, 0, key.site, key.micro_batch}, key.seed, key.step);
  return uint64_t{words[0]} << 32 | words[1];
}

at::Tensor dropout(const at::Tensor& x, double p, DropoutKey key) {
  if (p == 0.0) return x;
  at::Tensor y;
  {
    const at::NoGradGuard no_grad;
    y = drop(x.detach(), p, key);
  }
  if (at::GradMode::is_enabled() && x.requires_grad()) {
    const auto node = c10::make_intrusive<Backward>();
    node->p = p;
    node->key = key;
    record(node, y, {x});
  }
  return y;
}

}  // namespace finetag
