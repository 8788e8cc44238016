#include <ATen/Context.h>

#include "check.h"

#if defined(__SANITIZE_ADDRESS__)
// Memory that the system refuses is an error to be tested, not the end of the program.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
#endif

int main() {
  at::manual_seed(5);  // libtorch's own is another in each process
  return finetag::test::run_all();
}
