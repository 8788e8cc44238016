#include "engine/kernels/functions.h"
#include "engine/kernels/simd/simd.h"

namespace finetag::FINETAG_ISA {

namespace {

/// Numbers below the normal range count as zero while this lives. A moment that nothing feeds shrinks into
/// that range, where it would stay and each operation cost a hundred cycles.
class FlushSubnormals {
#if defined(__SSE2__)
 public:
  FlushSubnormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040u); }
  ~FlushSubnormals() { _mm_setcsr(before_); }

 private:
  unsigned before_;
#else
 public:
  FlushSubnormals() {}
  ~FlushSubnormals() {}
#endif
};

/// One step of AdamW (Loshchilov & Hutter 2019) as PyTorch forms it. All kernels below run this very code, so
/// a row that is updated late gets the bits that it would have got in time.
inline __attribute__((always_inline)) void update(const AdamWStep& s, F gradient, F& value, F& exp_avg,
                                                  F& exp_avg_sq) {
  exp_avg += s.gain1 * (gradient - exp_avg);
  exp_avg_sq = s.beta2 * exp_avg_sq + s.gain2 * (gradient * gradient);
  const F denominator = square_root(exp_avg_sq) * s.rsqrt_scale + s.epsilon;
  value = value * s.decay - s.step_size * exp_avg / denominator;
}

constexpr int kWide = 4;  // vectors in flight, to hide the latency of roots and divisions

}  // namespace

void adamw(const AdamWStep& s, float* value, const float* gradient, float* exp_avg, float* exp_avg_sq,
           int64_t count) {
  const FlushSubnormals flush;
  for_each_vector(count, [&](int64_t at, auto n) {
    F w = load(value + at, n), m = load(exp_avg + at, n), v = load(exp_avg_sq + at, n);
    update(s, load(gradient + at, n) * s.gradient_scale, w, m, v);
    store(value + at, w, n);
    store(exp_avg + at, m, n);
    store(exp_avg_sq + at, v, n);
  });
}

void adamw_idle(const AdamWStep* steps, int64_t count_steps, float* value, float* exp_avg, float* exp_avg_sq,
                int64_t count) {
  const FlushSubnormals flush;
  int64_t at = 0;
  for (; at + kWide * kLanes <= count; at += kWide * kLanes) {
    F w[kWide], m[kWide], v[kWide];
    for (int i = 0; i < kWide; ++i) {
      w[i] = load(value + at + i * kLanes);
      m[i] = load(exp_avg + at + i * kLanes);
      v[i] = load(exp_avg_sq + at + i * kLanes);
    }
    for (int64_t s = 0; s < count_steps; ++s) {
      for (int i = 0; i < kWide; ++i) update(steps[s], F{}, w[i], m[i], v[i]);
    }
    for (int i = 0; i < kWide; ++i) {
      store(value + at + i * kLanes, w[i]);
      store(exp_avg + at + i * kLanes, m[i]);
      store(exp_avg_sq + at + i * kLanes, v[i]);
    }
  }
  for_each_vector(count - at, [&](int64_t more, auto n) {
    F w = load(value + at + more, n), m = load(exp_avg + at + more, n), v = load(exp_avg_sq + at + more, n);
    for (int64_t s = 0; s < count_steps; ++s) update(steps[s], F{}, w, m, v);
    store(value + at + more, w, n);
    store(exp_avg + at + more, m, n);
    store(exp_avg_sq + at + more, v, n);
  });
}

void decay_idle(const AdamWStep* steps, int64_t count_steps, float* value, int64_t count) {
  const FlushSubnormals flush;
  int64_t at = 0;
  for (; at + kWide * kLanes <= count; at += kWide * kLanes) {
    F w[kWide];
    for (int i = 0; i < kWide; ++i) w[i] = load(value + at + i * kLanes);
    for (int64_t s = 0; s < count_steps; ++s) {
      for (int i = 0; i < kWide; ++i) w[i] *= steps[s].decay;
    }
    for (int i = 0; i < kWide; ++i) store(value + at + i * kLanes, w[i]);
  }
  for_each_vector(count - at, [&](int64_t more, auto n) {
    F w = load(value + at + more, n);
    for (int64_t s = 0; s < count_steps; ++s) w *= steps[s].decay;
    store(value + at + more, w, n);
  });
}

}  // namespace finetag::FINETAG_ISA
