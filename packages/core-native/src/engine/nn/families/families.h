// The post-LN families, each in a file of its name. docs/adding-a-family.md explains how to add one.
#pragma once

#include "engine/nn/encoder.h"
#include "engine/nn/head.h"
#include "engine/nn/model.h"
#include "engine/ops/pool.h"

namespace finetag {

/// A family as data: what its parameters are called, where dropout is, which layers are shared, what of a
/// text the head reads. How it numbers tokens is in core/family.h.
struct FamilyPlan {
  EncoderPlan encoder;
  Pooling pooling;
  HeadPlan head;
};

/// The model that a plan describes; registers its parameters in `store`.
std::unique_ptr<Model> make_planned_model(ParameterStore& store, const FamilyPlan& plan,
                                          const ModelConfig& config);

FamilyPlan plan_bert(const ModelConfig& config);
FamilyPlan plan_roberta(const ModelConfig& config);
FamilyPlan plan_albert(const ModelConfig& config);
FamilyPlan plan_distilbert(const ModelConfig& config);
FamilyPlan plan_electra(const ModelConfig& config);
FamilyPlan plan_ernie(const ModelConfig& config);

}  // namespace finetag
