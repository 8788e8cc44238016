// Shape letters: S tokens of a text, Q its queries (S, or 1), P = S in whole vectors, D head size.
#include "engine/kernels/functions.h"
#include "engine/kernels/product/small_product.h"
#include "engine/kernels/simd/math.h"
#include "engine/kernels/simd/random.h"
#include "engine/kernels/simd/scratch.h"
#include "engine/kernels/simd/transpose.h"

namespace finetag::FINETAG_ISA {

namespace {

/// Rows of scores worked on at once: a block of them stays in cache for any length of text.
constexpr int64_t kBlockRows = 64;

thread_local Scratch scratch;

/// Where one text and head stands in the packed arrays.
struct Place {
  int64_t keys;       // S
  int64_t queries;    // Q
  int64_t first_key;  // row of its first token
  int64_t first_query;
  int64_t head_offset;
};

template <typename Options>
Place place_of(const Options& o, int64_t pair) {
  const int64_t text = pair / o.heads, head = pair % o.heads;
  const int64_t start = o.cu_seqlens[text], keys = o.cu_seqlens[text + 1] - start;
  return {keys, o.first_only ? 1 : keys, start, o.first_only ? text : start, head * o.head_size};
}

/// Adds `bias` (or nothing, where it is null) to each row in place.
void add_bias(float* rows, int64_t count, int64_t stride, const float* bias, int64_t features) {
  if (bias == nullptr) return;
  for (int64_t r = 0; r < count; ++r) {
    for_each_vector(features, [&](int64_t at, auto n) {
      float* to = rows + r * stride + at;
      store(to, load(to, n) + load(bias + at, n), n);
    });
  }
}

/// [S, D] with a stride -> [D, P]; what lies behind S is zero.
void transpose_keys(const float* from, int64_t stride, int64_t S, int64_t D, int64_t P, float* to) {
  for (int64_t s = 0; s < S; s += kLanes)
    pack_transposed<kLanes>(from + s * stride, stride, S - s < kLanes ? S - s : kLanes, D, to + s, P);
}

/// The factors of elements [from, from + count) of the [Q, S] matrix of a text and head, which is one stream
/// of random words. Returns where in `factors` they start; it has room for count + 2 * kDrawn.
const float* matrix_factors(const DropoutMask& mask, int64_t pair, int64_t from, int64_t count,
                            float* factors) {
  uint32_t words[kDrawn];
  const int64_t first = from / kDrawn, end = (from + count + kDrawn - 1) / kDrawn;
  for (int64_t block = first; block < end; ++block) {
    draw(static_cast<uint64_t>(block), static_cast<uint32_t>(pair), mask.key, words);
    float* to = factors + (block - first) * kDrawn;
    for (int64_t i = 0; i < kDrawn; i += kLanes) store(to + i, kept(words + i, mask));
  }
  return factors + (from - first * kDrawn);
}

/// Scores of one row become probabilities; returns their log-sum-exp. Lanes behind S end as zeros.
float softmax_row(float* row, int64_t S, float scale) {
  F highest = broadcast(-3.402823466e38f);
  for_each_vector(S, [&](int64_t at, auto n) {
    F v = load(row + at, n) * scale;
    if constexpr (!std::is_same_v<decltype(n), Whole>) {
      for (int64_t i = n; i < kLanes; ++i) v[i] = -3.402823466e38f;
    }
    highest = maximum(v, highest);
  });
  const float top = largest(highest);
  F total{};
  for_each_vector(S, [&](int64_t at, auto n) {
    F e = exponential(load(row + at) * scale - top);
    if constexpr (!std::is_same_v<decltype(n), Whole>) e = first_lanes(e, n);
    store(row + at, e);
    total += e;
  });
  const float denominator = sum(total);
  const float inverse = 1.0f / denominator;
  for_each_vector(S, [&](int64_t at, auto) { store(row + at, load(row + at) * inverse); });
  return top + __builtin_logf(denominator);
}

}  // namespace

void attention_factors(const DropoutMask& mask, int64_t pair, int64_t count, float* factors) {
  float* room = scratch.at_least(count + 2 * kDrawn);
  const float* from = matrix_factors(mask, pair, 0, count, room);
  std::memcpy(factors, from, static_cast<size_t>(count) * sizeof(float));
}

void attention(const Attention& o, int64_t begin, int64_t end) {
  const int64_t D = o.head_size, H = o.heads * D;
  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(D));
  for (int64_t pair = begin; pair < end; ++pair) {
    const Place p = place_of(o, pair);
    const int64_t S = p.keys, P = round_up(S, kLanes);
    const int64_t block = p.queries < kBlockRows ? p.queries : kBlockRows;
    float* keys_DP = scratch.at_least(D * P + block * P + block * S + 2 * kDrawn);
    float* scores_QP = keys_DP + D * P;
    float* room = scores_QP + block * P;

    float* query = o.query + p.first_query * o.query_stride + p.head_offset;
    float* key = o.key_value + p.first_key * o.key_value_stride + p.head_offset;
    float* value = key + H;
    const auto from_head = [&](const float* bias, int64_t offset) {
      return bias == nullptr ? nullptr : bias + offset + p.head_offset;
    };
    add_bias(query, p.queries, o.query_stride, from_head(o.query_bias_H, 0), D);
    add_bias(key, S, o.key_value_stride, from_head(o.key_value_bias_2H, 0), D);
    add_bias(value, S, o.key_value_stride, from_head(o.key_value_bias_2H, H), D);
    transpose_keys(key, o.key_value_stride, S, D, P, keys_DP);

    for (int64_t from = 0; from < p.queries; from += block) {
      const int64_t rows = p.queries - from < block ? p.queries - from : block;
      product(rows, P, D, {query + from * o.query_stride, o.query_stride, 1}, keys_DP, P, scores_QP, P,
              false);
      const float* factors =
          o.mask.threshold != 0 ? matrix_factors(o.mask, pair, from * S, rows * S, room) : nullptr;
      for (int64_t r = 0; r < rows; ++r) {
        float* row = scores_QP + r * P;
        const float lse = softmax_row(row, S, scale);
        if (o.log_sum_exp != nullptr)
          o.log_sum_exp[(p.first_query + from + r) * o.heads + pair % o.heads] = lse;
        if (factors == nullptr) continue;
        for_each_vector(S, [&](int64_t at, auto n) {
          store(row + at, load(row + at, n) * load(factors + r * S + at, n), n);
        });
      }
      product(rows, D, S, {scores_QP, P, 1}, value, o.key_value_stride,
              o.context + (p.first_query + from) * H + p.head_offset, H, false);
    }
  }
}

void attention_grad(const AttentionGrad& o, int64_t begin, int64_t end) {
  const int64_t D = o.head_size, H = o.heads * D;
  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(D));
  for (int64_t pair = begin; pair < end; ++pair) {
    const Place p = place_of(o, pair);
    const int64_t S = p.keys, P = round_up(S, kLanes);
    const int64_t block = p.queries < kBlockRows ? p.queries : kBlockRows;
    float* keys_DP = scratch.at_least(2 * D * P + 2 * block * P + block * S + 2 * kDrawn);
    float* values_DP = keys_DP + D * P;
    float* weights_QP = values_DP + D * P;  // probabilities, dropped
    float* grads_QP = weights_QP + block * P;
    float* room = grads_QP + block * P;

    const int64_t query_at = p.first_query * o.query_stride + p.head_offset;
    const int64_t key_at = p.first_key * o.key_value_stride + p.head_offset;
    const float* query = o.query + query_at;
    const float* key = o.key_value + key_at;
    float* grad_key = o.grad_key_value + key_at;
    float* grad_value = grad_key + H;
    transpose_keys(key, o.key_value_stride, S, D, P, keys_DP);
    transpose_keys(key + H, o.key_value_stride, S, D, P, values_DP);

    for (int64_t from = 0; from < p.queries; from += block) {
      const int64_t rows = p.queries - from < block ? p.queries - from : block;
      const float* query_rows = query + from * o.query_stride;
      const float* grad_rows = o.grad_context + (p.first_query + from) * H + p.head_offset;
      product(rows, P, D, {query_rows, o.query_stride, 1}, keys_DP, P, weights_QP, P, false);
      product(rows, P, D, {grad_rows, H, 1}, values_DP, P, grads_QP, P, false);
      const float* factors =
          o.mask.threshold != 0 ? matrix_factors(o.mask, pair, from * S, rows * S, room) : nullptr;
      for (int64_t r = 0; r < rows; ++r) {
        float* weights = weights_QP + r * P;
        float* grads = grads_QP + r * P;
        const float lse = o.log_sum_exp[(p.first_query + from + r) * o.heads + pair % o.heads];
        F along{};
        for_each_vector(S, [&](int64_t at, auto n) {
          F probability = exponential(load(weights + at) * scale - lse);
          if constexpr (!std::is_same_v<decltype(n), Whole>) probability = first_lanes(probability, n);
          F grad = load(grads + at);
          if (factors != nullptr) grad = grad * load(factors + r * S + at, n);
          along += probability * grad;
          store(weights + at, probability);
          store(grads + at, grad);
        });
        const float mean = sum(along);
        for_each_vector(S, [&](int64_t at, auto n) {
          const F probability = load(weights + at);
          store(grads + at, probability * (load(grads + at) - mean) * scale);
          if (factors != nullptr) store(weights + at, probability * load(factors + r * S + at, n));
        });
      }
      const bool more = from > 0;
      product(S, D, rows, {weights_QP, 1, P}, grad_rows, H, grad_value, o.key_value_stride, more);
      product(S, D, rows, {grads_QP, 1, P}, query_rows, o.query_stride, grad_key, o.key_value_stride, more);
      product(rows, D, S, {grads_QP, P, 1}, key, o.key_value_stride,
              o.grad_query + query_at + from * o.query_stride, o.query_stride, false);
    }
  }
}

}  // namespace finetag::FINETAG_ISA
