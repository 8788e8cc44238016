#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <string>
#include <vector>

#include "engine/core/config.h"

namespace finetag {

/// `cpu`, `cuda`, `cuda:n` or `meta`; throws kDevice unless the device is there.
c10::Device parse_device(const std::string& name);

/// Throws kDevice where the device has no instructions for the precision, or no kernels.
void check_precision(const c10::Device& device, Precision precision);

/// Intra-op threads where no number is given: libtorch's default, whatever sessions have set since.
int default_threads();

/// Gives the calling thread its number of intra-op threads, for good.
void set_thread_count(int threads);

/// The value of a tensor of one element, for which its device is waited for; 0 on `meta`, which has no
/// values.
double to_double(const at::Tensor& scalar);

struct EngineInfo {
  std::string libtorch;
  std::string variant;
  std::vector<std::string> cuda_devices;
  std::string cpu_capability;  // of libtorch
  std::string kernels;         // instruction set of the fused kernels
  std::vector<std::string> bf16_devices;
  int threads;
  std::string parallel_backend;
};

EngineInfo engine_info();

}  // namespace finetag
