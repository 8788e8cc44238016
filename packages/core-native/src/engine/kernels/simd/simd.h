// Vectors of float32 in the compiler's own extension, so that one source serves every instruction set. Each
// set compiles these headers into a namespace of its own (FINETAG_ISA); nothing here may be seen by other
// sources.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace finetag::FINETAG_ISA {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float F __attribute__((vector_size(kLanes * sizeof(float))));
typedef int32_t I __attribute__((vector_size(kLanes * sizeof(int32_t))));

inline F load(const float* from) {
  F v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
inline void store(float* to, F v) { std::memcpy(to, &v, sizeof v); }

/// The first `count` lanes (0 < count <= kLanes), zeros behind; touches no memory past them.
inline F load(const float* from, int64_t count) {
#if defined(__AVX512F__)
  return (F)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from);
#else
  F v{};
  for (int64_t i = 0; i < count; ++i) v[i] = from[i];
  return v;
#endif
}
inline void store(float* to, F v, int64_t count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), (__m512)v);
#else
  for (int64_t i = 0; i < count; ++i) to[i] = v[i];
#endif
}

/// Zeros behind the first `count` lanes.
inline F first_lanes(F v, int64_t count) {
  float lanes[kLanes];
  store(lanes, v);
  return load(lanes, count);
}

/// Keeps a value that several sums use in its register: the compiler would rather load it once more with each
/// of them, and loads are then what a kernel waits for.
inline void in_register(F& v) {
#if defined(__AVX2__)
  asm("" : "+v"(v));
#endif
}

inline F broadcast(float x) { return x - F{}; }
inline F maximum(F a, F b) { return a > b ? a : b; }

inline float sum(F v) {
#if defined(__AVX512F__)
  return _mm512_reduce_add_ps((__m512)v);
#else
  float total = 0;
  for (int i = 0; i < kLanes; ++i) total += v[i];
  return total;
#endif
}
/// The sums of four vectors, side by side.
inline void store_sums(float* to, F a, F b, F c, F d) {
#if defined(__AVX2__)
#if defined(__AVX512F__)
  const auto half = [](F v) {
    // The masked form, since GCC 12 warns of its own header's other one.
    return _mm256_add_ps(_mm512_castps512_ps256((__m512)v), _mm512_maskz_extractf32x8_ps(0xFF, (__m512)v, 1));
  };
#else
  const auto half = [](F v) { return (__m256)v; };
#endif
  const __m256 pairs = _mm256_hadd_ps(half(a), half(b)), others = _mm256_hadd_ps(half(c), half(d));
  const __m256 fours = _mm256_hadd_ps(pairs, others);
  _mm_storeu_ps(to, _mm_add_ps(_mm256_castps256_ps128(fours), _mm256_extractf128_ps(fours, 1)));
#else
  const F vectors[] = {a, b, c, d};
  for (int i = 0; i < 4; ++i) to[i] = sum(vectors[i]);
#endif
}
inline float largest(F v) {
#if defined(__AVX512F__)
  return _mm512_reduce_max_ps((__m512)v);
#else
  float best = v[0];
  for (int i = 1; i < kLanes; ++i) best = v[i] > best ? v[i] : best;
  return best;
#endif
}

inline F square_root(F v) {
#if defined(__AVX512F__)
  return (F)_mm512_sqrt_ps((__m512)v);
#elif defined(__AVX2__)
  return (F)_mm256_sqrt_ps((__m256)v);
#else
  F r;
  for (int i = 0; i < kLanes; ++i) r[i] = __builtin_sqrtf(v[i]);
  return r;
#endif
}

/// Calls body(at, full) for the whole vectors of [0, count), then body(at, tail) for what is left. Both are
/// inlined, so that the common case tests no length.
struct Whole {};
template <typename Body>
inline __attribute__((always_inline)) void for_each_vector(int64_t count, Body&& body) {
  int64_t at = 0;
  for (; at + kLanes <= count; at += kLanes) body(at, Whole{});
  if (at < count) body(at, count - at);
}
inline F load(const float* from, Whole) { return load(from); }
inline void store(float* to, F v, Whole) { store(to, v); }

}  // namespace finetag::FINETAG_ISA
