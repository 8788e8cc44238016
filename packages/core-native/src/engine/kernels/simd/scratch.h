#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace finetag::FINETAG_ISA {

/// Memory that a thread keeps between calls; grows, never shrinks. Aligned for whole vectors.
class Scratch {
 public:
  float* at_least(int64_t floats) {
    if (floats > capacity_) {
      capacity_ = (floats + 1023) / 1024 * 1024;
      memory_.reset(
          static_cast<float*>(std::aligned_alloc(64, static_cast<size_t>(capacity_) * sizeof(float))));
      if (memory_ == nullptr) throw std::bad_alloc();
    }
    return memory_.get();
  }

 private:
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  std::unique_ptr<float[], Free> memory_;
  int64_t capacity_ = 0;
};

inline int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

}  // namespace finetag::FINETAG_ISA
