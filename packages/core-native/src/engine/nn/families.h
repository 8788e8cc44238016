// The post-LN families, each in a file of its name. docs/adding-a-family.md tells how to add one.
#pragma once

#include "engine/nn/encoder.h"
#include "engine/nn/head.h"

namespace finetag {

/// A family as data: what its parameters are called, where dropout is, which layers are shared.
struct FamilyPlan {
  EncoderPlan encoder;
  HeadPlan head;
};

FamilyPlan plan_bert(const ModelConfig& config);
FamilyPlan plan_roberta(const ModelConfig& config);
FamilyPlan plan_albert(const ModelConfig& config);
FamilyPlan plan_distilbert(const ModelConfig& config);
FamilyPlan plan_electra(const ModelConfig& config);
FamilyPlan plan_ernie(const ModelConfig& config);

}  // namespace finetag
