#pragma once

#include <cmath>
#include <functional>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

/// A test program without a framework: `TEST(name) { REQUIRE(…); }`, one line a test, counts at the end.
namespace finetag::test {

struct Case {
  std::string name;
  std::function<void()> body;
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

struct Registration {
  Registration(const char* name, std::function<void()> body) { cases().push_back({name, std::move(body)}); }
};

[[noreturn]] inline void fail(const char* file, int line, const std::string& what) {
  std::ostringstream out;
  out << file << ":" << line << ": " << what;
  throw std::runtime_error(out.str());
}

inline void check_near(double actual, double expected, double tolerance, const char* file, int line) {
  if (std::abs(actual - expected) <= tolerance) return;
  std::ostringstream out;
  out.precision(17);
  out << actual << " is not within " << tolerance << " of " << expected;
  fail(file, line, out.str());
}

/// Runs all tests; the exit code of the program.
inline int run_all() {
  int passed = 0, failed = 0;
  std::cout << std::unitbuf;  // a crash, or a sanitizer that ends the program, takes no line with it
  for (const Case& test : cases()) {
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

}  // namespace finetag::test

#define TEST(name)                                                                  \
  static void test_##name();                                                        \
  static const finetag::test::Registration registration_##name(#name, test_##name); \
  static void test_##name()
#define REQUIRE(condition) \
  if (!(condition)) finetag::test::fail(__FILE__, __LINE__, #condition " does not hold")
#define REQUIRE_NEAR(actual, expected, tolerance) \
  finetag::test::check_near((actual), (expected), (tolerance), __FILE__, __LINE__)
/// The statement must throw finetag::Error whose message contains `text`.
#define REQUIRE_THROWS(statement, text)                                                       \
  try {                                                                                       \
    statement;                                                                                \
    finetag::test::fail(__FILE__, __LINE__, #statement " did not throw");                     \
  } catch (const finetag::Error& error) {                                                     \
    if (std::string(error.what()).find(text) == std::string::npos)                            \
      finetag::test::fail(__FILE__, __LINE__, std::string("threw \"") + error.what() + "\""); \
  }
