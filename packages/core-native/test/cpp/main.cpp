#include <ATen/Context.h>

#include "check.h"

int main() {
  at::manual_seed(5);  // libtorch's own is another in each process
  return finetag::test::run_all();
}
