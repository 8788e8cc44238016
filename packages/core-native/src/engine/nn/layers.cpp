#include "engine/nn/layers.h"

namespace finetag {

Linear::Linear(ParameterStore& store, const std::string& prefix, int64_t in, int64_t out)
    : Linear(store, std::vector<std::string>{prefix}, in, out) {}

Linear::Linear(ParameterStore& store, const std::vector<std::string>& prefixes, int64_t in, int64_t out) {
  std::vector<std::string> weights, biases;
  for (const std::string& prefix : prefixes) {
    weights.push_back(prefix + ".weight");
    biases.push_back(prefix + ".bias");
  }
  weight = store.add_stacked(weights, {out, in}, ParameterRole::kWeight);
  int8 = store.add_int8();
  bias = store.add_stacked(biases, {out}, ParameterRole::kBias);
}

LayerNorm::LayerNorm(ParameterStore& store, const std::string& prefix, int64_t features, double epsilon)
    : NormWeights{store.add(prefix + ".weight", {features}, ParameterRole::kNormWeight),
                  store.add(prefix + ".bias", {features}, ParameterRole::kBias), epsilon} {}

}  // namespace finetag
