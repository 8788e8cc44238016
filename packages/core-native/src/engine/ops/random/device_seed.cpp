#include "engine/ops/random/device_seed.h"

#include <ATen/core/Generator.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include "engine/core/philox.h"

namespace finetag {

std::mutex& device_seed_mutex() {
  static std::mutex mutex;
  return mutex;
}

void seed_device(const c10::Device& device, const DropoutKey& key) {
  if (device.is_meta()) return;  // draws nothing
  const auto words = Philox::block({0, 0, key.site, key.micro_batch}, key.seed, key.step);
  at::Generator generator = at::detail::getCUDAHooks().getDefaultGenerator(device.index());
  const std::scoped_lock lock(generator.mutex());
  generator.set_current_seed(uint64_t{words[0]} << 32 | words[1]);
}

}  // namespace finetag
