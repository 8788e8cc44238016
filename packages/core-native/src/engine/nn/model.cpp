#include "engine/nn/model.h"

namespace finetag {

std::unique_ptr<Model> make_model(ParameterStore& store, const ModelConfig& config) {
  switch (config.family) {
    case Family::kBert:
      return make_bert(store, config);
    case Family::kRoberta:
      break;
  }
  return make_roberta(store, config);
}

}  // namespace finetag
