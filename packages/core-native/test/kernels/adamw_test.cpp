// The optimizer's kernels: the step against AdamW's formulas in double precision, the steps without a
// gradient against steps with a gradient of zeros, bit for bit. Lengths lie around the widths of vectors.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "check.h"
#include "kernel_helpers.h"

using namespace finetag;
using namespace finetag::test;

namespace {

const std::vector<int64_t> kCounts = {0,  1,  3,  7,  8,   15,  16,  17,  31, 32,
                                      33, 63, 64, 65, 100, 127, 128, 129, 384};

struct Settings {
  double rate = 1e-2, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.1, clip = 0.5;
};

/// The constants of step `t`, which counts from 1.
AdamWStep step_of(const Settings& s, int t) {
  AdamWStep step{};
  step.decay = static_cast<float>(1 - s.rate * s.weight_decay);
  step.step_size = static_cast<float>(s.rate / (1 - std::pow(s.beta1, t)));
  step.rsqrt_scale = static_cast<float>(1 / std::sqrt(1 - std::pow(s.beta2, t)));
  step.gain1 = static_cast<float>(1 - s.beta1);
  step.beta2 = static_cast<float>(s.beta2);
  step.gain2 = static_cast<float>(1 - s.beta2);
  step.epsilon = static_cast<float>(s.epsilon);
  step.gradient_scale = static_cast<float>(s.clip);
  return step;
}

struct Parameter {
  std::vector<float> value, exp_avg, exp_avg_sq;

  /// With moments as some steps leave them.
  explicit Parameter(int64_t count)
      : value(random_values(count)), exp_avg(random_values(count)), exp_avg_sq(random_values(count)) {
    for (float& x : exp_avg_sq) x = x * x;
  }
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

void require_same(const Parameter& a, const Parameter& b) {
  REQUIRE(same_bits(a.value, b.value));
  REQUIRE(same_bits(a.exp_avg, b.exp_avg));
  REQUIRE(same_bits(a.exp_avg_sq, b.exp_avg_sq));
}

void step(const AdamWStep& s, Parameter& p, const std::vector<float>& gradient) {
  kernels().adamw(s, p.value.data(), gradient.data(), p.exp_avg.data(), p.exp_avg_sq.data(),
                  static_cast<int64_t>(gradient.size()));
}

std::vector<AdamWStep> steps_of(int first, int count) {
  std::vector<AdamWStep> steps;
  for (int t = first; t < first + count; ++t) steps.push_back(step_of({}, t));
  return steps;
}

}  // namespace

TEST(adamw_follows_its_formulas) {
  const Settings s;
  for (const int64_t count : kCounts) {
    Parameter p(count);
    std::vector<double> value(p.value.begin(), p.value.end());
    std::vector<double> exp_avg(p.exp_avg.begin(), p.exp_avg.end());
    std::vector<double> exp_avg_sq(p.exp_avg_sq.begin(), p.exp_avg_sq.end());
    for (int t = 3; t < 8; ++t) {
      const std::vector<float> gradient = random_values(count);
      step(step_of(s, t), p, gradient);
      for (int64_t i = 0; i < count; ++i) {
        const double g = s.clip * static_cast<double>(gradient[i]);
        exp_avg[i] = s.beta1 * exp_avg[i] + (1 - s.beta1) * g;
        exp_avg_sq[i] = s.beta2 * exp_avg_sq[i] + (1 - s.beta2) * g * g;
        const double root = std::sqrt(exp_avg_sq[i] / (1 - std::pow(s.beta2, t)));
        value[i] *= 1 - s.rate * s.weight_decay;
        value[i] -= s.rate * exp_avg[i] / (1 - std::pow(s.beta1, t)) / (root + s.epsilon);
        REQUIRE_NEAR(p.exp_avg[i], exp_avg[i], 1e-6);
        REQUIRE_NEAR(p.exp_avg_sq[i], exp_avg_sq[i], 1e-6);
        // Of all that came before; a small root makes a step large.
        REQUIRE_NEAR(p.value[i], value[i], 1e-5 * (1 + std::abs(value[i])));
      }
    }
  }
}

TEST(idle_steps_are_steps_with_a_gradient_of_zeros) {
  for (const int64_t count : kCounts) {
    for (const int idle : {0, 1, 2, 9}) {
      const std::vector<AdamWStep> steps = steps_of(2, idle);
      Parameter now(count);
      Parameter later = now;
      const std::vector<float> zeros(count);
      for (const AdamWStep& s : steps) step(s, now, zeros);
      kernels().adamw_idle(steps.data(), idle, later.value.data(), later.exp_avg.data(),
                           later.exp_avg_sq.data(), count);
      require_same(later, now);
    }
  }
}

TEST(decay_alone_is_an_idle_step_without_moments) {
  for (const int64_t count : kCounts) {
    const std::vector<AdamWStep> steps = steps_of(1, 5);
    Parameter whole(count);
    std::fill(whole.exp_avg.begin(), whole.exp_avg.end(), 0.0f);
    std::fill(whole.exp_avg_sq.begin(), whole.exp_avg_sq.end(), 0.0f);
    Parameter decayed = whole;
    kernels().adamw_idle(steps.data(), 5, whole.value.data(), whole.exp_avg.data(), whole.exp_avg_sq.data(),
                         count);
    kernels().decay_idle(steps.data(), 5, decayed.value.data(), count);
    require_same(decayed, whole);
  }
}

TEST(moments_are_never_subnormal_numbers) {
  const int64_t count = 37;
  const float smallest = std::numeric_limits<float>::min();
  Parameter p(count);
  for (int64_t i = 0; i < count; ++i) p.exp_avg[i] = p.exp_avg_sq[i] = static_cast<float>(1 + i) * smallest;
  const std::vector<AdamWStep> steps = steps_of(1, 100);
  kernels().adamw_idle(steps.data(), 100, p.value.data(), p.exp_avg.data(), p.exp_avg_sq.data(), count);
#if defined(__SSE2__)
  for (const std::vector<float>& moment : {p.exp_avg, p.exp_avg_sq})
    for (const float x : moment) REQUIRE(x == 0 || x >= smallest);
  REQUIRE(p.exp_avg_sq[0] == 0);
#endif
  // The caller's arithmetic is as before.
  volatile float normal = smallest;
  REQUIRE(normal / 2 != 0);
}
