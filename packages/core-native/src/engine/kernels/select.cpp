#include "engine/kernels/kernels.h"

#if defined(FINETAG_PORTABLE_KERNELS)
#include <cstdlib>
#include <string_view>
#endif

namespace finetag {

#if defined(FINETAG_PORTABLE_KERNELS)

namespace avx512 {
extern const Kernels table;
}
namespace avx2 {
extern const Kernels table;
}
namespace baseline {
extern const Kernels table;
}

const Kernels& kernels() {
  static const Kernels& chosen = []() -> const Kernels& {
    // libtorch's own switch, so that one setting holds for both.
    const char* setting = std::getenv("ATEN_CPU_CAPABILITY");
    const std::string_view most = setting != nullptr ? setting : "avx512";
    if (most == "default") return baseline::table;
    if (most == "avx512" && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
      return avx512::table;
    }
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? avx2::table : baseline::table;
  }();
  return chosen;
}

#else

// One set: this machine's, or the one that a test is about.
#if !defined(FINETAG_ONLY_KERNELS)
#define FINETAG_ONLY_KERNELS native
#endif

namespace FINETAG_ONLY_KERNELS {
extern const Kernels table;
}

const Kernels& kernels() { return FINETAG_ONLY_KERNELS::table; }

#endif

}  // namespace finetag
