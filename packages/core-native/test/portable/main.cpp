// A binary with the kernels of every instruction set: which of them it picks, and that those run. A process
// picks once, so each case is a process of its own: this program with the word `pick`, which prints the name.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "check.h"
#include "engine/kernels/kernels.h"

using namespace finetag;

namespace {

std::string self;

/// The best set that this processor has, of those up to `most`.
std::string best(const std::string& most) {
  if (most == "avx512" && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return "avx512";
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return most != "baseline" && avx2 ? "avx2" : "baseline";
}

/// @param setting Of ATEN_CPU_CAPABILITY; empty where it is not set.
std::string picked(const std::string& setting) {
  const std::string variable = setting.empty() ? "-u ATEN_CPU_CAPABILITY" : "ATEN_CPU_CAPABILITY=" + setting;
  FILE* pipe = popen(("env " + variable + " '" + self + "' pick").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char line[64] = "";
  const bool told = std::fgets(line, sizeof line, pipe) != nullptr;
  const int status = pclose(pipe);
  REQUIRE(told && status == 0);
  return line;
}

/// Runs what has registers of its own in each set: a product of few rows and the optimizer's step.
bool kernels_run() {
  constexpr int64_t kDepth = 40, kOutputs = 7;
  const std::vector<float> x(kDepth, 0.5f), weight(kDepth * kOutputs, 0.25f);
  std::vector<float> y(kOutputs, NAN);
  kernels().few_rows_product({1, kDepth, kOutputs, x.data(), weight.data(), y.data(), 1}, 0,
                             (kOutputs + kFewRowsOutputs - 1) / kFewRowsOutputs);
  for (const float value : y)
    if (value != kDepth * 0.125f) return false;
  std::vector<float> value(kDepth, 1.0f), moment(kDepth, 0.0f), squares(kDepth, 0.0f);
  AdamWStep step{};
  step.decay = 0.5f;
  kernels().adamw_idle(&step, 1, value.data(), moment.data(), squares.data(), kDepth);
  return true;
}

}  // namespace

TEST(the_best_instruction_set_is_picked) { REQUIRE(picked("") == best("avx512")); }

TEST(libtorchs_switch_holds_for_the_kernels_too) {
  REQUIRE(picked("avx512") == best("avx512"));
  REQUIRE(picked("avx2") == best("avx2"));
  REQUIRE(picked("default") == "baseline");
}

int main(int count, char** arguments) {
  self = arguments[0];
  if (count == 1) return test::run_all();
  std::fputs(kernels().name, stdout);
  return kernels_run() ? 0 : 1;
}
