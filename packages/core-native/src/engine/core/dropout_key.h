#pragma once

#include <cstdint>

namespace finetag {

/// Names one place of dropout in a run. The mask is a pure function of this key and of the element's place,
/// so it is never stored, and a resumed run draws what an unbroken one would have drawn.
struct DropoutKey {
  uint32_t seed;
  uint32_t step;
  uint32_t micro_batch;
  uint32_t site;

  bool operator==(const DropoutKey&) const = default;
};

}  // namespace finetag
