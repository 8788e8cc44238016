#include "engine/core/autocast.h"

#include <ATen/autocast_mode.h>

namespace finetag {

AutocastScope::AutocastScope(const c10::Device& device, Precision precision)
    : type_(device.type()), active_(precision == Precision::kBfloat16 && !device.is_meta()) {
  if (!active_) return;
  at::autocast::set_autocast_dtype(type_, at::kBFloat16);
  at::autocast::set_autocast_enabled(type_, true);
  at::autocast::increment_nesting();
}

AutocastScope::~AutocastScope() {
  if (!active_) return;
  // The cache holds bf16 copies of the weights, which the next optimizer step makes stale.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(type_, false);
}

}  // namespace finetag
