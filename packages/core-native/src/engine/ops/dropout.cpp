#include "engine/ops/dropout.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "engine/core/philox.h"

namespace finetag {

namespace {

constexpr int64_t kLanes = 16;          // counters in flight, for vectorisation
constexpr int64_t kBlock = kLanes * 4;  // elements drawn together
constexpr int64_t kBlocksPerTask = 256;

/// Fills `bits` with the random words of elements [block * kBlock, (block + 1) * kBlock).
/// Word w of counter c serves element 16 * w + c of the block, so that lanes write side by side.
inline void draw(int64_t block, const DropoutKey& key, uint32_t bits[kBlock]) {
  uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
  for (int64_t i = 0; i < kLanes; ++i) {
    const uint64_t counter = static_cast<uint64_t>(block) * kLanes + i;
    c0[i] = static_cast<uint32_t>(counter);
    c1[i] = static_cast<uint32_t>(counter >> 32);
    c2[i] = key.site;
    c3[i] = key.micro_batch;
  }
  uint32_t key0 = key.seed, key1 = key.step;
  for (int round = 0; round < Philox::kRounds; ++round) {
#pragma omp simd
    for (int64_t i = 0; i < kLanes; ++i) {
      const uint64_t product0 = uint64_t{Philox::kMultiplier0} * c0[i];
      const uint64_t product1 = uint64_t{Philox::kMultiplier1} * c2[i];
      c0[i] = static_cast<uint32_t>(product1 >> 32) ^ c1[i] ^ key0;
      c1[i] = static_cast<uint32_t>(product1);
      c2[i] = static_cast<uint32_t>(product0 >> 32) ^ c3[i] ^ key1;
      c3[i] = static_cast<uint32_t>(product0);
    }
    key0 += Philox::kWeyl0;
    key1 += Philox::kWeyl1;
  }
  std::copy_n(c0, kLanes, bits);
  std::copy_n(c1, kLanes, bits + kLanes);
  std::copy_n(c2, kLanes, bits + 2 * kLanes);
  std::copy_n(c3, kLanes, bits + 3 * kLanes);
}

template <typename scalar_t>
void mask_cpu(const scalar_t* x, scalar_t* y, int64_t count, double p, const DropoutKey& key) {
  const auto threshold = static_cast<uint32_t>(p * 4294967296.0);
  const auto scale = static_cast<float>(1.0 / (1.0 - p));
  const int64_t blocks = at::divup(count, kBlock);
  at::parallel_for(0, blocks, kBlocksPerTask, [&](int64_t begin, int64_t end) {
    uint32_t bits[kBlock];
    for (int64_t block = begin; block < end; ++block) {
      draw(block, key, bits);
      const int64_t start = block * kBlock, length = std::min(kBlock, count - start);
#pragma omp simd
      for (int64_t i = 0; i < length; ++i) {
        const float keep = bits[i] >= threshold ? scale : 0.0f;
        y[start + i] = static_cast<scalar_t>(static_cast<float>(x[start + i]) * keep);
      }
    }
  });
}

/// Any other device: its own generator, seeded from the key, draws the mask anew in each pass.
at::Tensor mask_elsewhere(const at::Tensor& x, double p, const DropoutKey& key) {
  at::Tensor keep = at::empty_like(x);
  if (!x.is_meta()) {
    const auto words = Philox::block({0, 0, key.site, key.micro_batch}, key.seed, key.step);
    at::Generator generator = at::detail::getCUDAHooks().getNewGenerator(x.device().index());
    generator.set_current_seed(uint64_t{words[0]} << 32 | words[1]);
    keep.bernoulli_(1.0 - p, generator);
  }
  // In this order bfloat16 rounds once.
  return keep.mul_(x).mul_(1.0 / (1.0 - p));
}

at::Tensor apply_mask(const at::Tensor& x_any, double p, const DropoutKey& key) {
  const at::Tensor x = x_any.contiguous();
  if (!x.is_cpu()) return mask_elsewhere(x, p, key);
  at::Tensor y = at::empty_like(x);
  if (x.scalar_type() == at::kFloat) {
    mask_cpu(x.const_data_ptr<float>(), y.mutable_data_ptr<float>(), x.numel(), p, key);
  } else {
    mask_cpu(x.const_data_ptr<at::BFloat16>(), y.mutable_data_ptr<at::BFloat16>(), x.numel(), p, key);
  }
  return y;
}

class DropoutFunction : public torch::autograd::Function<DropoutFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x, double p,
                            int64_t seed, int64_t step, int64_t micro_batch, int64_t site) {
    ctx->saved_data["p"] = p;
    ctx->saved_data["seed"] = seed;
    ctx->saved_data["step"] = step;
    ctx->saved_data["micro_batch"] = micro_batch;
    ctx->saved_data["site"] = site;
    return apply_mask(x, p, make_key(ctx));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list grads) {
    return {apply_mask(grads[0], ctx->saved_data["p"].toDouble(), make_key(ctx)), {}, {}, {}, {}, {}};
  }

 private:
  static DropoutKey make_key(torch::autograd::AutogradContext* ctx) {
    const auto word = [&](const char* name) { return static_cast<uint32_t>(ctx->saved_data[name].toInt()); };
    return {word("seed"), word("step"), word("micro_batch"), word("site")};
  }
};

}  // namespace

at::Tensor dropout(const at::Tensor& x, double p, DropoutKey key) {
  if (p == 0.0) return x;
  return DropoutFunction::apply(x, p, int64_t{key.seed}, int64_t{key.step}, int64_t{key.micro_batch},
                                int64_t{key.site});
}

}  // namespace finetag
