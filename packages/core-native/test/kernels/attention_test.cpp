// The attention kernels against the formulas in double precision, under the address and undefined-behaviour
// sanitizers, over sizes that no vector width divides. Every array is exactly as long as the kernel may
// touch.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "check.h"
#include "kernel_helpers.h"

using namespace finetag;
using namespace finetag::test;

namespace {

struct Problem {
  int64_t head_size, heads;
  bool first_only;
  DropoutMask mask;
  bool biased = true;
  std::vector<int32_t> starts{0};

  int64_t texts() const { return static_cast<int64_t>(starts.size()) - 1; }
  int64_t tokens() const { return starts.back(); }
  int64_t features() const { return heads * head_size; }
  int64_t queries() const { return first_only ? texts() : tokens(); }
};

/// Queries, keys and values of one text and head, and what comes of them, in double.
struct Reference {
  std::vector<double> context, grad_query, grad_key, grad_value;
};

Reference attend(const Problem& p, int64_t text, int64_t head, const auto& query, const auto& key,
                 const auto& value, const auto& grad_context) {
  const int64_t S = p.starts[text + 1] - p.starts[text], Q = p.first_only ? 1 : S, D = p.head_size;
  std::vector<float> factors(Q * S, 1.0f);
  if (p.mask.threshold != 0)
    kernels().attention_factors(p.mask, text * p.heads + head, Q * S, factors.data());
  Reference r{std::vector<double>(Q * D), std::vector<double>(Q * D), std::vector<double>(S * D),
              std::vector<double>(S * D)};
  for (int64_t i = 0; i < Q; ++i) {
    std::vector<double> probability(S), grad(S);
    double highest = -1e300, total = 0, mean = 0;
    for (int64_t j = 0; j < S; ++j) {
      for (int64_t d = 0; d < D; ++d)
        probability[j] += query(i, d) * key(j, d) / std::sqrt(static_cast<double>(D));
      highest = std::max(highest, probability[j]);
    }
    for (double& x : probability) total += x = std::exp(x - highest);
    for (int64_t j = 0; j < S; ++j) {
      probability[j] /= total;
      const double factor = factors[i * S + j];
      for (int64_t d = 0; d < D; ++d) {
        r.context[i * D + d] += probability[j] * factor * value(j, d);
        r.grad_value[j * D + d] += probability[j] * factor * grad_context(i, d);
        grad[j] += factor * value(j, d) * grad_context(i, d);
      }
      mean += probability[j] * grad[j];
    }
    for (int64_t j = 0; j < S; ++j) {
      const double score = probability[j] * (grad[j] - mean) / std::sqrt(static_cast<double>(D));
      for (int64_t d = 0; d < D; ++d) {
        r.grad_query[i * D + d] += score * key(j, d);
        r.grad_key[j * D + d] += score * query(i, d);
      }
    }
  }
  return r;
}

void check(const Problem& p) {
  const int64_t H = p.features(), T = p.tokens(), R = p.queries(), D = p.head_size;
  const int64_t query_stride = p.first_only ? H : 3 * H, stride = p.first_only ? 2 * H : 3 * H;
  std::vector<float> queries = random_values(p.first_only ? R * H : T * 3 * H);
  std::vector<float> keys = p.first_only ? random_values(T * 2 * H) : std::vector<float>();
  const auto query_start = [&](std::vector<float>& q) { return q.data(); };
  const auto key_start = [&](std::vector<float>& q, std::vector<float>& k) {
    return p.first_only ? k.data() : q.data() + H;
  };
  const std::vector<float> bias = random_values(3 * H), grad_context = random_values(R * H);
  std::vector<float> lse(R * p.heads), context(R * H);
  const std::pair before{queries, keys};
  kernels().attention({p.heads, D, p.starts.data(), p.first_only, query_start(queries), query_stride,
                       key_start(queries, keys), stride, p.biased ? bias.data() : nullptr,
                       p.biased ? bias.data() + H : nullptr, p.mask, lse.data(), context.data()},
                      0, p.texts() * p.heads);
  std::vector<float> grad_queries(queries.size()), grad_keys(keys.size());
  kernels().attention_grad({p.heads, D, p.starts.data(), p.first_only, query_start(queries), query_stride,
                            key_start(queries, keys), stride, p.mask, lse.data(), grad_context.data(),
                            query_start(grad_queries), key_start(grad_queries, grad_keys)},
                           0, p.texts() * p.heads);

  // The kernel has added the biases in place, so the reference reads what it left. Without biases, it leaves
  // all as it was.
  if (!p.biased) REQUIRE(queries == before.first && keys == before.second);
  for (int64_t text = 0; text < p.texts(); ++text) {
    for (int64_t head = 0; head < p.heads; ++head) {
      const int64_t first_key = p.starts[text], first_query = p.first_only ? text : first_key, at = head * D;
      const auto query_at = [&](int64_t i, int64_t d) { return (first_query + i) * query_stride + at + d; };
      const auto key_at = [&](int64_t j, int64_t d) { return (first_key + j) * stride + at + d; };
      const float *q = query_start(queries), *k = key_start(queries, keys);
      const Reference r = attend(
          p, text, head, [&](int64_t i, int64_t d) { return static_cast<double>(q[query_at(i, d)]); },
          [&](int64_t j, int64_t d) { return static_cast<double>(k[key_at(j, d)]); },
          [&](int64_t j, int64_t d) { return static_cast<double>(k[H + key_at(j, d)]); },
          [&](int64_t i, int64_t d) {
            return static_cast<double>(grad_context[(first_query + i) * H + at + d]);
          });
      const int64_t S = p.starts[text + 1] - first_key, Q = p.first_only ? 1 : S;
      const float *gq = query_start(grad_queries), *gk = key_start(grad_queries, grad_keys);
      // Sums of up to 512 products of numbers of size 1, rounded to 24 bits.
      constexpr double kTolerance = 2e-4;
      for (int64_t i = 0; i < Q; ++i) {
        for (int64_t d = 0; d < D; ++d) {
          REQUIRE_NEAR(context[(first_query + i) * H + at + d], r.context[i * D + d], kTolerance);
          REQUIRE_NEAR(gq[query_at(i, d)], r.grad_query[i * D + d], kTolerance);
        }
      }
      for (int64_t j = 0; j < S; ++j) {
        for (int64_t d = 0; d < D; ++d) {
          REQUIRE_NEAR(gk[key_at(j, d)], r.grad_key[j * D + d], kTolerance);
          REQUIRE_NEAR(gk[H + key_at(j, d)], r.grad_value[j * D + d], kTolerance);
        }
      }
    }
  }
}

}  // namespace

TEST(attention_equals_its_formula) {
  const std::vector<std::vector<int32_t>> texts = {{1}, {2, 17, 1}, {64}, {65, 3}, {15, 16, 33}, {130}};
  for (const int64_t head_size : {5, 16, 26, 32, 64, 80}) {
    for (const bool first_only : {false, true}) {
      for (const double p : {0.0, 0.2}) {
        for (const std::vector<int32_t>& lengths : texts) {
          Problem problem{head_size, 3, first_only, mask_of(p), /*biased=*/head_size != 26};
          for (const int32_t length : lengths) problem.starts.push_back(problem.starts.back() + length);
          check(problem);
        }
      }
    }
  }
}

TEST(attention_equals_its_formula_at_the_longest_text) {
  for (const int64_t head_size : {32, 64}) check({head_size, 1, false, mask_of(0.1), true, {0, 512}});
}

TEST(attention_drops_the_right_share_of_each_place) {
  std::vector<float> factors(200'000);
  kernels().attention_factors(mask_of(0.1), 7, 200'000, factors.data());
  const auto dropped = std::count(factors.begin(), factors.end(), 0.0f);
  REQUIRE_NEAR(static_cast<double>(dropped) / 200'000, 0.1, 5 * std::sqrt(0.1 * 0.9 / 200'000));
  // A stream of its own for each text and head; where a stream is read from does not matter.
  std::vector<float> other(200'000), begin(100);
  kernels().attention_factors(mask_of(0.1), 8, 200'000, other.data());
  kernels().attention_factors(mask_of(0.1), 7, 100, begin.data());
  int64_t both = 0;
  for (size_t i = 0; i < factors.size(); ++i) both += factors[i] == 0 && other[i] == 0;
  REQUIRE_NEAR(static_cast<double>(both) / 200'000, 0.01, 5 * std::sqrt(0.01 / 200'000));
  REQUIRE(std::equal(begin.begin(), begin.end(), factors.begin()));
}
