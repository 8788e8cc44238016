#include "engine/core/family.h"

#include <string>

#include "engine/core/error.h"

namespace finetag {

const FamilyTraits& traits_of(Family family) {
  for (const FamilyTraits& traits : kFamilyTraits)
    if (traits.family == family) return traits;
  throw Error(ErrorCode::kArgument,
              "the engine has no model family number " + std::to_string(static_cast<int>(family)));
}

}  // namespace finetag
