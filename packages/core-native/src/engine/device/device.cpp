#include "engine/device/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/cpu/Utils.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <torch/version.h>

#include <string>

#include "engine/core/error.h"
#include "engine/device/meta.h"
#include "engine/kernels/kernels.h"

namespace finetag {

namespace {

/// Whether this is a CUDA libtorch. at::hasCUDA() says no to that where no GPU is found.
bool is_cuda_build() { return at::detail::getCUDAHooks().hasCUDART(); }

int cuda_count() { return is_cuda_build() ? at::detail::getCUDAHooks().deviceCount() : 0; }

bool cpu_has_bf16() {
  const auto capabilities = at::cpu::get_cpu_capabilities();
  for (const char* name : {"avx512_bf16", "amx_bf16", "bf16"}) {
    const auto found = capabilities.find(name);
    if (found != capabilities.end() && found->second.isBool() && found->second.toBool()) return true;
  }
  return false;
}

}  // namespace

c10::Device parse_device(const std::string& name) {
  if (name == "cpu") return c10::Device(c10::kCPU);
  if (name == "meta") {
    register_meta_kernels();
    return c10::Device(c10::kMeta);
  }
  if (name.rfind("cuda", 0) != 0) {
    throw Error(ErrorCode::kDevice, "unknown device \"" + name + "\"; use cpu, cuda or cuda:N");
  }
  int index = 0;
  if (name.size() > 4) {
    const std::string digits = name.substr(5);
    if (name[4] != ':' || digits.empty() || digits.size() > 3 ||
        digits.find_first_not_of("0123456789") != std::string::npos) {
      throw Error(ErrorCode::kDevice, "unknown device \"" + name + "\"; use cpu, cuda or cuda:N");
    }
    index = std::stoi(digits);
  }
  if (!is_cuda_build()) {
    throw Error(ErrorCode::kDevice, "device \"" + name + "\" requested, but this libtorch is the CPU build");
  }
  const int count = cuda_count();
  if (count == 0) {
    throw Error(ErrorCode::kDevice,
                "device \"" + name + "\" requested, but no CUDA device or driver is found");
  }
  if (index >= count) {
    throw Error(ErrorCode::kDevice, "device \"" + name + "\" requested, but there are only " +
                                        std::to_string(count) + " CUDA devices (cuda:0 is the first)");
  }
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

void check_precision(const c10::Device& device, Precision precision) {
  if (precision == Precision::kBfloat16 && device.is_cpu() && !cpu_has_bf16()) {
    throw Error(ErrorCode::kDevice, "bf16 requested, but this CPU has no bf16 instructions");
  }
  if (precision != Precision::kInt8) return;
  if (!device.is_cpu()) {
    throw Error(ErrorCode::kDevice, "int8 runs on the CPU only, not on " + device.str());
  }
  if (at::globalContext().qEngine() == at::kNoQEngine) {
    throw Error(ErrorCode::kDevice, "int8 requested, but libtorch has no int8 kernels for this CPU");
  }
}

int default_threads() {
  static const int threads = at::get_num_threads();
  return threads;
}

void set_thread_count(int threads) {
  default_threads();
  // At a thread's first parallel region libtorch gives it the number that any thread set last, in each
  // library that holds a copy of this inline function. Done here first, it cannot overwrite what is set
  // below.
  at::internal::lazy_init_num_threads();
  at::get_num_threads();
  at::set_num_threads(threads);
}

double to_double(const at::Tensor& scalar) { return scalar.is_meta() ? 0.0 : scalar.item<double>(); }

EngineInfo engine_info() {
  EngineInfo info;
  info.libtorch = TORCH_VERSION;
  info.variant = is_cuda_build() ? "cuda" : "cpu";
  info.cpu_capability = at::get_cpu_capability();
  info.kernels = kernels().name;
  if (cpu_has_bf16()) info.bf16_devices.push_back("cpu");
  for (int i = 0; i < cuda_count(); ++i) {
    const std::string name = "cuda:" + std::to_string(i);
    info.cuda_devices.push_back(name);
    // Every GPU that the CUDA 13 libraries still support (compute capability 7.5 and up) runs bf16.
    info.bf16_devices.push_back(name);
  }
  info.threads = default_threads();
  info.parallel_backend = "OpenMP";
  return info;
}

}  // namespace finetag
