#include "engine/core/cpu_memory.h"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>

#include "engine/core/error.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace finetag {

namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kSmall = size_t{1} << 16;  // below, the C library's own lists serve well
constexpr size_t kHugePage = size_t{1} << 21;
constexpr size_t kLarge = size_t{1} << 20;

/// How much larger than a request a block may be that serves it. Batches differ tenfold in their tokens, and
/// one set of blocks is to serve them all; what is small in every batch does not take the place of what is
/// large.
constexpr size_t slack(size_t bytes) { return bytes >= kLarge ? 16 : 2; }

size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

/// Blocks are larger than what is asked for, and outlive it: tells the address sanitizer what may be touched.
void allow([[maybe_unused]] void* block, [[maybe_unused]] size_t bytes, [[maybe_unused]] size_t of) {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(block, bytes);
  ASAN_POISON_MEMORY_REGION(static_cast<char*>(block) + bytes, of - bytes);
#endif
}

class Memory final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* block = bytes == 0 ? nullptr : bytes < kSmall ? fetch_small(bytes) : reuse(bytes);
    return {block, block, &give_back, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

  void release() {
    const std::lock_guard lock(mutex_);
    for (const auto& [size, block] : unused_) std::free(block);
    unused_.clear();
  }
  size_t fetched() {
    const std::lock_guard lock(mutex_);
    return fetched_;
  }

  static Memory& instance() {
    static Memory* const memory = new Memory();  // leaked: tensors may outlive static destructors
    return *memory;
  }

 private:
  static void* fetch(size_t bytes, size_t alignment) {
    void* block = std::aligned_alloc(alignment, round_up(bytes, alignment));
    if (block == nullptr)
      throw Error(ErrorCode::kOutOfMemory,
                  "out of memory: the system refused " + std::to_string(bytes) + " bytes");
    return block;
  }

  static void* fetch_small(size_t bytes) {
    void* block = fetch(bytes, kAlignment);
    allow(block, bytes, round_up(bytes, kAlignment));
    return block;
  }

  void* reuse(size_t bytes) {
    const size_t size = round_up(bytes, bytes < kHugePage ? kSmall : kHugePage);
    {
      const std::lock_guard lock(mutex_);
      auto found = unused_.lower_bound(size);
      if (found != unused_.end() && found->first <= size * slack(size)) {
        const auto [block_size, block] = *found;
        unused_.erase(found);
        used_.emplace(block, block_size);
        allow(block, bytes, block_size);
        return block;
      }
      // The block that was too small makes room for the one that will do, so that their number stays.
      if (found != unused_.begin() && (--found)->first * slack(size) >= size) {
        std::free(found->second);
        unused_.erase(found);
      }
    }
    const bool huge = size >= kHugePage;
    void* block = fetch(size, huge ? kHugePage : kAlignment);
#if defined(MADV_HUGEPAGE)
    if (huge) madvise(block, size, MADV_HUGEPAGE);
#endif
    allow(block, bytes, size);
    const std::lock_guard lock(mutex_);
    used_.emplace(block, size);
    ++fetched_;
    return block;
  }

  static void give_back(void* block) {
    Memory& memory = instance();
    if (block == nullptr) return;
    {
      const std::lock_guard lock(memory.mutex_);
      const auto found = memory.used_.find(block);
      if (found != memory.used_.end()) {
        allow(block, 0, found->second);
        memory.unused_.emplace(found->second, block);
        memory.used_.erase(found);
        return;
      }
    }
    std::free(block);
  }

  std::mutex mutex_;
  std::multimap<size_t, void*> unused_;
  std::unordered_map<void*, size_t> used_;
  size_t fetched_ = 0;
};

}  // namespace

void install_cpu_memory() {
  static std::once_flag once;
  std::call_once(once, [] { c10::SetCPUAllocator(&Memory::instance(), /*priority=*/1); });
}

void release_cpu_memory() { Memory::instance().release(); }

size_t fetched_cpu_blocks() { return Memory::instance().fetched(); }

}  // namespace finetag
