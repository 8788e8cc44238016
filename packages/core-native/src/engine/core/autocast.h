#pragma once

#include <c10/core/Device.h>

#include "engine/core/config.h"

namespace finetag {

/// Runs a forward pass in bf16 where libtorch's autocast lists say so; float32 elsewhere. Weights stay
/// float32.
class AutocastScope {
 public:
  AutocastScope(const c10::Device& device, Precision precision);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  c10::DeviceType type_;
  bool active_;
};

}  // namespace finetag
