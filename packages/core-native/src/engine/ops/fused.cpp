#include "engine/ops/fused.h"

#include <ATen/autocast_mode.h>

namespace finetag {

bool kernels_apply(const at::Tensor& x, bool allowed) {
  return allowed && x.is_cpu() && x.scalar_type() == at::kFloat &&
         !at::autocast::is_autocast_enabled(at::kCPU);
}

}  // namespace finetag
