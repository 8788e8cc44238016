#include <cstring>
#include <iostream>

#include "check.h"
#include "engine/kernels/kernels.h"

namespace {

bool this_machine_has(const char* isa) {
#if defined(__x86_64__)
  if (std::strcmp(isa, "avx512") == 0) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
  if (std::strcmp(isa, "avx2") == 0) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return std::strcmp(isa, "baseline") == 0;
}

}  // namespace

int main() {
  const char* isa = finetag::kernels().name;
  if (!this_machine_has(isa)) {
    std::cout << "skipped: the kernels for " << isa
              << ", which this CPU has not\n0 passed, 0 failed, 1 skipped\n";
    return 0;
  }
  return finetag::test::run_all();
}
