#pragma once

#include "engine/core/philox.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/simd/simd.h"

namespace finetag::FINETAG_ISA {

constexpr int64_t kDrawn = 64;  // random words of one call: 16 counters of 4 words

/// Word w of counter c serves element 16 * w + c, so that vectors of counters write side by side. The layout
/// does not depend on the instruction set.
inline void draw(uint64_t block, uint32_t stream, const DropoutKey& key, uint32_t words[kDrawn]) {
  constexpr int kCounters = 16;
#if defined(__AVX512F__)
  // A 32-bit word stands in the low half of each 64-bit lane, where vpmuludq reads it; what lies in the upper
  // half does not matter until the end.
  const __m512i multiplier0 = _mm512_set1_epi64(Philox::kMultiplier0);
  const __m512i multiplier1 = _mm512_set1_epi64(Philox::kMultiplier1);
  const __m512i first = _mm512_add_epi64(_mm512_set1_epi64(static_cast<int64_t>(block * kCounters)),
                                         _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
  __m512i c0[2] = {first, _mm512_add_epi64(first, _mm512_set1_epi64(8))};
  __m512i c1[2], c2[2], c3[2];
  for (int i = 0; i < 2; ++i) {
    c1[i] = _mm512_set1_epi64(stream);
    c2[i] = _mm512_set1_epi64(key.site);
    c3[i] = _mm512_set1_epi64(key.micro_batch);
  }
  uint32_t key0 = key.seed, key1 = key.step;
#pragma GCC unroll 10
  for (int round = 0; round < Philox::kRounds; ++round) {
    const __m512i k0 = _mm512_set1_epi64(key0), k1 = _mm512_set1_epi64(key1);
    for (int i = 0; i < 2; ++i) {
      const __m512i product0 = _mm512_mul_epu32(c0[i], multiplier0);
      const __m512i product1 = _mm512_mul_epu32(c2[i], multiplier1);
      c0[i] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(product1, 32), c1[i], k0, 0x96);
      c1[i] = product1;
      c2[i] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(product0, 32), c3[i], k1, 0x96);
      c3[i] = product0;
    }
    key0 += Philox::kWeyl0;
    key1 += Philox::kWeyl1;
  }
  const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
  _mm512_storeu_si512(words, _mm512_permutex2var_epi32(c0[0], even, c0[1]));
  _mm512_storeu_si512(words + 16, _mm512_permutex2var_epi32(c1[0], even, c1[1]));
  _mm512_storeu_si512(words + 32, _mm512_permutex2var_epi32(c2[0], even, c2[1]));
  _mm512_storeu_si512(words + 48, _mm512_permutex2var_epi32(c3[0], even, c3[1]));
#else
  uint32_t c0[kCounters], c1[kCounters], c2[kCounters], c3[kCounters];
  for (int i = 0; i < kCounters; ++i) {
    c0[i] = static_cast<uint32_t>(block * kCounters) + i;
    c1[i] = stream;
    c2[i] = key.site;
    c3[i] = key.micro_batch;
  }
  uint32_t key0 = key.seed, key1 = key.step;
  for (int round = 0; round < Philox::kRounds; ++round) {
#pragma omp simd
    for (int i = 0; i < kCounters; ++i) {
      const uint64_t product0 = uint64_t{Philox::kMultiplier0} * c0[i];
      const uint64_t product1 = uint64_t{Philox::kMultiplier1} * c2[i];
      c0[i] = static_cast<uint32_t>(product1 >> 32) ^ c1[i] ^ key0;
      c1[i] = static_cast<uint32_t>(product1);
      c2[i] = static_cast<uint32_t>(product0 >> 32) ^ c3[i] ^ key1;
      c3[i] = static_cast<uint32_t>(product0);
    }
    key0 += Philox::kWeyl0;
    key1 += Philox::kWeyl1;
  }
  std::memcpy(words, c0, sizeof c0);
  std::memcpy(words + kCounters, c1, sizeof c1);
  std::memcpy(words + 2 * kCounters, c2, sizeof c2);
  std::memcpy(words + 3 * kCounters, c3, sizeof c3);
#endif
}

/// `scale` where a word keeps its element, else 0.
inline F kept(const uint32_t* words, const DropoutMask& mask) {
#if defined(__AVX512F__)
  const __mmask16 keep =
      _mm512_cmpge_epu32_mask(_mm512_loadu_si512(words), _mm512_set1_epi32(static_cast<int>(mask.threshold)));
  return (F)_mm512_maskz_mov_ps(keep, _mm512_set1_ps(mask.scale));
#else
  F factor;
  for (int i = 0; i < kLanes; ++i) factor[i] = words[i] >= mask.threshold ? mask.scale : 0.0f;
  return factor;
#endif
}

/// Writes the factors of one row of `columns` elements: scale or 0. Rows start at whole blocks, so a row's
/// factors depend on its number and width alone.
inline void row_factors(int64_t row, int64_t columns, const DropoutMask& mask, float* factors) {
  const int64_t blocks = (columns + kDrawn - 1) / kDrawn;
  uint32_t words[kDrawn];
  for (int64_t block = 0; block < blocks; ++block) {
    draw(static_cast<uint64_t>(row * blocks + block), 0, mask.key, words);
    for (int64_t i = 0; i < kDrawn; i += kLanes) store(factors + block * kDrawn + i, kept(words + i, mask));
  }
}

}  // namespace finetag::FINETAG_ISA
