#include "check.h"

int main() {
  int passed = 0, failed = 0;
  for (const finetag::test::Case& test : finetag::test::cases()) {
    try {
      test.body();
      ++passed;
      std::cout << "ok   " << test.name << "\n";
    } catch (const std::exception& error) {
      ++failed;
      std::cout << "FAIL " << test.name << ": " << error.what() << "\n";
    }
  }
  std::cout << passed << " passed, " << failed << " failed\n";
  return failed == 0 && passed > 0 ? 0 : 1;
}
