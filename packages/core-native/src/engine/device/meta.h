#pragma once

namespace finetag {

/// Registers shape-only kernels of the few ATen operators of this engine for which libtorch has none in C++,
/// so that a whole training step runs on the `meta` device. Each refuses a tensor of another device. May be
/// called again.
void register_meta_kernels();

}  // namespace finetag
