#pragma once

#include "engine/kernels/simd/simd.h"

namespace finetag::FINETAG_ISA {

/// The tile of C that matrix_product.cpp sums in registers: 24 vectors of 32 with AVX-512, else 12 of 16; a
/// row of B and one factor take the others.
constexpr int kTileRows = kLanes == 16 ? 8 : 4, kTileColumns = 3 * kLanes;

}  // namespace finetag::FINETAG_ISA
