// The product of matrices against its formula in double precision; as attention_test.cpp.
#include <algorithm>
#include <cmath>
#include <vector>

#include "check.h"
#include "kernel_helpers.h"

using namespace finetag;
using namespace finetag::test;

namespace {

enum class Lies { kByRows, kByColumns };

MatrixView view(const std::vector<float>& x, int64_t rows, int64_t columns, Lies lies) {
  return lies == Lies::kByRows ? MatrixView{x.data(), columns, 1} : MatrixView{x.data(), 1, rows};
}

int64_t panels_of(int64_t rows) { return (rows + kernels().tile_rows - 1) / kernels().tile_rows; }

/// In `parts` parts of rows and strips of `tiles` tiles of columns, as threads share the work.
void multiply(const MatrixProduct& p, int64_t parts, int64_t tiles) {
  const Kernels& k = kernels();
  const int64_t panels = panels_of(p.rows), width = tiles * k.tile_columns;
  // An A that lies by rows needs none, and must not be read from there.
  std::vector<float> packed(p.a.row == 1 ? panels * k.tile_rows * p.depth : 0, NAN);
  for (int64_t part = 0; part < parts && !packed.empty(); ++part)
    k.pack_product(p, panels * part / parts, panels * (part + 1) / parts, packed.data());
  for (int64_t part = 0; part < parts; ++part)
    for (int64_t column = 0; column < p.columns; column += width)
      k.matrix_product(
          p, packed.data(),
          {panels * part / parts, panels * (part + 1) / parts, column, std::min(column + width, p.columns)});
}

void check_product(int64_t rows, int64_t columns, int64_t depth, Lies a_lies, Lies b_lies, bool accumulate) {
  constexpr int64_t kBehind = 3;  // of a row of C: must stay as it was
  const auto a = random_values(rows * depth), b = random_values(depth * columns);
  const auto before = random_values(rows * (columns + kBehind));
  std::vector<float> c = before;
  const MatrixProduct product{
      rows,     columns,           depth,     view(a, rows, depth, a_lies), view(b, depth, columns, b_lies),
      c.data(), columns + kBehind, accumulate};
  multiply(product, 2, 1);
  double worst = 0;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t n = 0; n < columns + kBehind; ++n) {
      const int64_t at = r * (columns + kBehind) + n;
      double sum = accumulate || n >= columns ? before[at] : 0;
      for (int64_t k = 0; k < depth && n < columns; ++k)
        sum += static_cast<double>(product.a.data[r * product.a.row + k * product.a.column]) *
               product.b.data[k * product.b.row + n * product.b.column];
      const double error = std::abs(c[at] - sum);
      worst = error <= worst ? worst : error;  // a NaN stays
    }
  }
  REQUIRE(worst < 4e-5);  // of a sum of up to 800 terms of size 1
}

}  // namespace

TEST(matrix_products_equal_their_formula) {
  for (const Lies a_lies : {Lies::kByRows, Lies::kByColumns})
    for (const Lies b_lies : {Lies::kByRows, Lies::kByColumns})
      for (const int64_t rows : {1, 7, 8, 9, 50})
        for (const int64_t columns : {1, 15, 16, 31, 48, 50, 97})
          for (const int64_t depth : {1, 15, 16, 47})
            check_product(rows, columns, depth, a_lies, b_lies, (rows + columns) % 2 == 0);
}

TEST(deep_matrix_products_equal_their_formula) {
  for (const Lies a_lies : {Lies::kByRows, Lies::kByColumns})
    for (const Lies b_lies : {Lies::kByRows, Lies::kByColumns})
      for (const int64_t depth : {384, 385, 800}) check_product(21, 100, depth, a_lies, b_lies, depth == 385);
}

TEST(a_matrix_product_has_the_same_bits_however_it_is_parted) {
  constexpr int64_t kRows = 45, kColumns = 200, kDepth = 500;
  const auto a = random_values(kRows * kDepth), b = random_values(kDepth * kColumns);
  std::vector<float> whole(kRows * kColumns), parted(kRows * kColumns);
  const auto product = [&](std::vector<float>& c) {
    return MatrixProduct{kRows,    kColumns, kDepth, {a.data(), kDepth, 1}, {b.data(), kColumns, 1},
                         c.data(), kColumns, false};
  };
  multiply(product(whole), 1, 100);
  for (const int64_t parts : {2, 3, 5}) {
    multiply(product(parted), parts, parts);
    REQUIRE(parted == whole);
  }
}
