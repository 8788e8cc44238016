#include "engine/kernels/functions.h"
#include "engine/kernels/math.h"

#include <cmath>

namespace finetag::FINETAG_ISA {

void bce_with_logits(const BceWithLogits& o, int64_t begin, int64_t end) {
  const int64_t L = o.labels;
  for (int64_t b = begin; b < end; ++b) {
    const float* logits = o.logits_BL + b * L;
    const float* labels = o.labels_BL + b * L;
    const float* mask = o.mask_BL != nullptr ? o.mask_BL + b * L : nullptr;
    double loss = 0;
    for (int64_t l = 0; l < L; ++l) {
      // max(x, 0) - x y + log(1 + e^-|x|): no overflow at either end.
      const float x = logits[l];
      const float term = (x > 0 ? x : 0.0f) - x * labels[l] + std::log1p(std::exp(-std::fabs(x)));
      loss += static_cast<double>(mask != nullptr ? term * mask[l] : term);
    }
    o.loss_B[b] = loss;
    if (o.grad_BL == nullptr) continue;
    for_each_vector(L, [&](int64_t at, auto n) {
      F grad = sigmoid(load(logits + at, n)) - load(labels + at, n);
      if (mask != nullptr) grad = grad * load(mask + at, n);
      store(o.grad_BL + b * L + at, grad, n);
    });
  }
}

}  // namespace finetag::FINETAG_ISA
