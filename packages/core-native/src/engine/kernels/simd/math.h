#pragma once

#include <cfloat>

#include "engine/kernels/simd/simd.h"

namespace finetag::FINETAG_ISA {

/// e^x within 1.5 ulp; below -87.3 it stays at the smallest normal number, NaN stays NaN.
inline F exponential(F x) {
  x = x < -87.33654f ? broadcast(-87.33654f) : x;
  x = x > 88.72283f ? broadcast(88.72283f) : x;
  // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits. ln 2 goes in two parts, of
  // which the first has trailing zeros, so that n times it is exact (Cody & Waite 1980).
  const F shifted = x * 1.44269504f + 12582912.0f;
  const F n = shifted - 12582912.0f;
  const F r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  // Taylor to r^7: |r| <= ln(2) / 2 leaves 5e-9.
  F p = broadcast(1.0f / 5040);
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
#if defined(__AVX512F__)
  return (F)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
  // 2^n in two factors, since n = 128 has no float32 of its own.
  const I exponent = __builtin_convertvector(n, I);
  const I half = exponent >> 1;
  return p * (F)((half + 127) << 23) * (F)((exponent - half + 127) << 23);
#endif
}

struct Normal {
  F cdf;      // Phi(x)
  F density;  // phi(x)
};

/// The standard normal distribution within 8e-8. Formulas and coefficients: fit_normal_cdf.py.
inline Normal normal(F x) {
  const F a = x < 0.0f ? -x : x;
  const F s = x * x;
  F q = broadcast(-6.640478013e-06f);
  q = q * s + 1.103086340e-04f;
  q = q * s - 1.182680211e-03f;
  q = q * s + 9.971480692e-03f;
  q = q * s - 6.648997988e-02f;
  q = q * s + 3.989422583e-01f;
  const F w = (a - 4.0f) / (a + 4.0f);
  F p = broadcast(-7.125164919e-05f);
  p = p * w - 1.772324526e-04f;
  p = p * w + 6.593246866e-04f;
  p = p * w + 5.094908100e-04f;
  p = p * w - 8.497472721e-03f;
  p = p * w + 3.086375172e-02f;
  p = p * w - 7.170685356e-02f;
  p = p * w + 1.243793571e-01f;
  p = p * w - 1.703977389e-01f;
  p = p * w + 9.441063960e-02f;
  const F bell = exponential(s * -0.5f);
  const F tail = bell * p;
  const F beyond = x < 0.0f ? tail : 1.0f - tail;
  return {a < 1.25f ? 0.5f + x * q : beyond, bell * 0.398942280f};
}

/// log(1 + x) for x in [0, 1] within 1.5e-7 of its value: 2 artanh(z) for z = x / (2 + x), by its series to
/// z^13.
inline F log_one_plus(F x) {
  const F z = x / (x + 2.0f);
  const F s = z * z;
  F p = broadcast(2.0f / 13);
  p = p * s + 2.0f / 11;
  p = p * s + 2.0f / 9;
  p = p * s + 2.0f / 7;
  p = p * s + 2.0f / 5;
  p = p * s + 2.0f / 3;
  return z * (p * s + 2.0f);
}

inline F sigmoid(F x) { return 1.0f / (1.0f + exponential(-x)); }
inline F hyperbolic_tangent(F x) {
  // From e^{-2|x|}, which cannot overflow. Near 0 the difference loses bits, and x - x^3/3 + 2x^5/15 takes
  // over.
  const F a = x < 0.0f ? -x : x;
  const F e = exponential(a * -2.0f);
  const F far = (1.0f - e) / (1.0f + e);
  const F s = x * x;
  const F near = a + a * s * (-1.0f / 3 + s * (2.0f / 15 - s * (17.0f / 315)));
  const F value = a < 0.1f ? near : far;
  return x < 0.0f ? -value : value;
}

}  // namespace finetag::FINETAG_ISA
