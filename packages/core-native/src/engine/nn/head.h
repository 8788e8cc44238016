// Shape letters: B texts, H features, L labels.
#pragma once

#include "engine/nn/layers.h"

namespace finetag {

/// A classifier of two linear layers on one vector for each text; what distinguishes those of the families.
struct HeadPlan {
  std::string dense;   // Hugging Face's name without `.weight`; BERT's pooler
  std::string output;  // one row for each label
  at::Tensor (*activation)(const at::Tensor&);
  bool drops_input;
};

/// logits = output(dropout(activation(dense(x)))), where `drops_input` of dropout(x).
class Head {
 public:
  Head(ParameterStore& store, const HeadPlan& plan, const ModelConfig& config);
  at::Tensor forward(const at::Tensor& x_BH, ForwardContext& context) const;  // [B, L]

 private:
  HeadPlan plan_;
  double dropout_;
  Linear dense_;
  Linear output_;
};

}  // namespace finetag
