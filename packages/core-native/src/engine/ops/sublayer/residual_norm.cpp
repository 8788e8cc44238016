// Shape letters: R rows (tokens, or first tokens), H features, C chunks of rows.
#include "engine/ops/sublayer/residual_norm.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include "engine/ops/fused.h"
#include "engine/ops/gradient.h"

namespace finetag {

at::Tensor residual_norm(const at::Tensor& x_RH, const at::Tensor& bias_H, const at::Tensor& residual_RH,
                         const NormWeights& norm, const Dropout& dropout, ResidualNormSaved* saved) {
  const int64_t R = x_RH.size(0), H = x_RH.size(1);
  const DropoutMask mask = make_mask(dropout.p, dropout.key);
  const at::Tensor y_RH = saved != nullptr ? at::empty_like(x_RH) : x_RH;
  if (saved != nullptr) *saved = {x_RH, at::empty({R}, x_RH.options()), at::empty({R}, x_RH.options()), mask};
  const ResidualNorm kernel{H,
                            data(x_RH),
                            data_or_null(bias_H),
                            data(residual_RH),
                            data(norm.weight),
                            data_or_null(norm.bias),
                            static_cast<float>(norm.epsilon),
                            mask,
                            saved != nullptr ? mutable_data(saved->sum_RH) : nullptr,
                            saved != nullptr ? mutable_data(saved->mean_R) : nullptr,
                            saved != nullptr ? mutable_data(saved->rstd_R) : nullptr,
                            mutable_data(y_RH)};
  parallel_rows(R, H, [&](int64_t begin, int64_t end) { kernels().residual_norm(kernel, begin, end); });
  return y_RH;
}

ResidualNormGradients residual_norm_backward(const at::Tensor& grad_y_RH, const ResidualNormSaved& saved,
                                             const NormWeights& norm, const at::Tensor& bias_H) {
  const int64_t R = saved.sum_RH.size(0), H = saved.sum_RH.size(1), C = chunks_of(R);
  ResidualNormGradients grad;
  grad.residual_RH = at::empty_like(saved.sum_RH);
  grad.x_RH = saved.mask.threshold != 0 ? at::empty_like(saved.sum_RH) : grad.residual_RH;
  const at::Tensor sums_C3H = at::empty({C, 3 * H}, saved.sum_RH.options());
  const ResidualNormGrad kernel{H,
                                data(grad_y_RH),
                                data(saved.sum_RH),
                                data(saved.mean_R),
                                data(saved.rstd_R),
                                data(norm.weight),
                                saved.mask,
                                mutable_data(grad.residual_RH),
                                mutable_data(grad.x_RH),
                                mutable_data(sums_C3H)};
  parallel_chunks(R, [&](int64_t chunk) { kernels().residual_norm_grad(kernel, R, chunk); });
  const float* sums = data(sums_C3H);
  WeightGradient(norm.weight).add_column_sums(sums, C, H, 3 * H);
  WeightGradient(norm.bias).add_column_sums(sums + H, C, H, 3 * H);
  WeightGradient(bias_H).add_column_sums(sums + 2 * H, C, H, 3 * H);
  return grad;
}

}  // namespace finetag
