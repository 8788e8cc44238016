#include <algorithm>

#include "engine/kernels/functions.h"
#include "engine/kernels/simd/math.h"

namespace finetag::FINETAG_ISA {

namespace {

constexpr int64_t kBlock = 16 * kLanes;

}  // namespace

void bce_with_logits(const BceWithLogits& o, int64_t begin, int64_t end) {
  const int64_t L = o.labels;
  for (int64_t b = begin; b < end; ++b) {
    const float* logits = o.logits_BL + b * L;
    const float* labels = o.labels_BL + b * L;
    const float* mask = o.mask_BL != nullptr ? o.mask_BL + b * L : nullptr;
    double loss = 0;
    // A block's terms are few enough to be added in float32.
    for (int64_t from = 0; from < L; from += kBlock) {
      F terms{};
      for_each_vector(std::min(kBlock, L - from), [&](int64_t at, auto n) {
        // max(x, 0) - x y + log(1 + e^-|x|): no overflow at either end.
        const F x = load(logits + from + at, n);
        const F above = x > 0.0f ? x : F{};
        F term = above - x * load(labels + from + at, n) + log_one_plus(exponential(x > 0.0f ? -x : x));
        if (mask != nullptr) term = term * load(mask + from + at, n);
        // Lanes that no label stands behind have a term as well, of a logit of 0.
        if constexpr (!std::is_same_v<decltype(n), Whole>) term = first_lanes(term, n);
        terms += term;
      });
      loss += static_cast<double>(sum(terms));
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
