#pragma once

#include <c10/core/Device.h>

#include <mutex>

#include "engine/core/dropout_key.h"

namespace finetag {

/// Seeds the device's default generator for this place of dropout. The caller holds device_seed_mutex() until
/// its kernel has drawn: sessions on one device share that generator.
void seed_device(const c10::Device& device, const DropoutKey& key);
std::mutex& device_seed_mutex();

/// `draw` launches a kernel that draws from the device's default generator: the same numbers for the same
/// key.
template <typename Draw>
auto with_device_seed(const c10::Device& device, const DropoutKey& key, const Draw& draw) {
  const std::scoped_lock lock(device_seed_mutex());
  seed_device(device, key);
  return draw();
}

}  // namespace finetag
