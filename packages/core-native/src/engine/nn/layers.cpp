#include "engine/nn/layers.h"

namespace finetag {

Linear::Linear(ParameterStore& store, const std::string& prefix, int64_t in, int64_t out, Bias bias)
    : Linear(store, std::vector<std::string>{prefix}, in, out, bias) {}

Linear::Linear(ParameterStore& store, const std::vector<std::string>& prefixes, int64_t in, int64_t out,
               Bias bias_kind) {
  std::vector<std::string> weights, biases;
  for (const std::string& prefix : prefixes) {
    weights.push_back(prefix + ".weight");
    biases.push_back(prefix + ".bias");
  }
  const int64_t rows = out / static_cast<int64_t>(prefixes.size());
  weight = store.add_stacked(weights, {rows, in}, ParameterRole::kWeight);
  int8 = store.add_int8();
  if (bias_kind == Bias::kAdded) bias = store.add_stacked(biases, {rows}, ParameterRole::kBias);
}

LayerNorm::LayerNorm(ParameterStore& store, const std::string& prefix, int64_t features, double epsilon,
                     Bias bias_kind)
    : NormWeights{store.add(prefix + ".weight", {features}, ParameterRole::kNormWeight), {}, epsilon} {
  if (bias_kind == Bias::kAdded) bias = store.add(prefix + ".bias", {features}, ParameterRole::kBias);
}

}  // namespace finetag
