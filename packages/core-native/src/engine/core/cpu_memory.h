#pragma once

#include <cstddef>

namespace finetag {

/// Gives libtorch an allocator for the CPU that keeps large blocks and hands them out again. A training step
/// asks for the same few sizes over and over; fetched from the system each time, every page of them would
/// fault again. Installed once for the process, before the first session allocates.
void install_cpu_memory();

/// Returns the blocks that are not in use to the system.
void release_cpu_memory();

/// Blocks fetched from the system so far: does not grow in the steady state of a training.
size_t fetched_cpu_blocks();

}  // namespace finetag
