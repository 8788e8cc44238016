#pragma once

namespace finetag {

enum class Family { kBert, kRoberta, kAlbert, kDistilbert, kElectra, kErnie };

/// How a family numbers the tokens of a text.
enum class Positions {
  kFromZero,
  /// From padding id + 1 on, over all tokens that are not the padding id, whose own position is that id
  /// (Hugging Face's create_position_ids_from_input_ids).
  kAfterPadding,
};

/// What batches and the binding need of a family, before there is a model. The rest is its plan
/// (nn/families/families.h).
struct FamilyTraits {
  Family family;
  const char* name;  // by which callers name it
  Positions positions;
};

inline constexpr FamilyTraits kFamilyTraits[] = {
    {Family::kBert, "bert", Positions::kFromZero},
    {Family::kRoberta, "roberta", Positions::kAfterPadding},
    {Family::kAlbert, "albert", Positions::kFromZero},
    {Family::kDistilbert, "distilbert", Positions::kFromZero},
    {Family::kElectra, "electra", Positions::kFromZero},
    {Family::kErnie, "ernie", Positions::kFromZero},
};

/// Throws kArgument for a family that is not in the table.
const FamilyTraits& traits_of(Family family);

}  // namespace finetag
