// Shape letters: R rows (tokens, or first tokens), I features of a layer's input, O of its output.
#include "engine/ops/product/quantized.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <ATen/cpu/Utils.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/quantize_per_channel.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <limits>

#include "engine/core/error.h"

namespace finetag {

namespace {

constexpr double kLargest = 127;  // -128 is left out, so that the range is symmetric (Jacob et al. 2018, 3.1)

/// Whether inputs must keep to 7 bits. Without AVX512-VNNI, x86 adds two products of a uint8 and an int8 into
/// an int16 (vpmaddubsw), which 2 * 255 * 127 does not fit, and 2 * 127 * 127 does.
bool needs_reduced_range() {
#if defined(__x86_64__) || defined(_M_X64)
  static const bool needs = !at::cpu::is_avx512_vnni_supported();
  return needs;
#else
  return false;
#endif
}

/// Drops libtorch's warnings. From 2.13 on it announces, on stderr, that its quantized types will go some
/// day; who runs a model can do nothing about that.
class Silence : public c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

/// One operator of libtorch that has no C++ function of its own.
class Operator {
 public:
  explicit Operator(const char* name) : handle_(c10::Dispatcher::singleton().findSchemaOrThrow(name, "")) {}

  c10::IValue operator()(std::vector<c10::IValue> stack) const {
    handle_.callBoxed(stack);
    return std::move(stack.front());
  }

 private:
  c10::OperatorHandle handle_;
};

c10::IValue pack(const at::Tensor& weight_OI) {
  static const Operator prepack("quantized::linear_prepack");
  // As libtorch's observers do it, a channel of zeros gets a scale all the same.
  const at::Tensor scale_O = at::amax(at::abs(weight_OI), 1)
                                 .div(kLargest)
                                 .clamp_min(std::numeric_limits<float>::epsilon())
                                 .to(at::kDouble);
  if (!at::isfinite(scale_O).all().item<bool>()) {
    throw Error(ErrorCode::kArgument,
                "a weight is not a finite number, which int8 cannot hold; the model is damaged");
  }
  const at::Tensor zero_O = at::zeros({weight_OI.size(0)}, at::kLong);
  return prepack({at::quantize_per_channel(weight_OI, scale_O, zero_O, 0, at::kQInt8), c10::IValue()});
}

}  // namespace

at::Tensor Int8Weight::product(const at::Tensor& x_RI, int64_t row, int64_t rows) {
  static const Operator linear_dynamic("quantized::linear_dynamic");
  Silence silence;
  const c10::WarningUtils::WarningHandlerGuard guard(&silence);  // of this thread
  const Part& held = part(row, rows);
  const at::Tensor y = linear_dynamic({x_RI, held.packed, needs_reduced_range()}).toTensor();
  return held.rows == rows ? y : y.narrow(1, row - held.row, rows);
}

const Int8Weight::Part& Int8Weight::part(int64_t row, int64_t rows) {
  int64_t done = rows;
  for (const Part& part : parts_) {
    if (part.row <= row && row + rows <= part.row + part.rows) return part;
    done += part.rows;
  }
  const at::NoGradGuard no_grad;
  const at::Tensor values = weight_OI_.detach();
  parts_.push_back({row, rows, values.size(1), pack(values.narrow(0, row, rows))});
  if (done == values.size(0)) weight_OI_.set_data(at::empty({0}, values.options()));
  return parts_.back();
}

int64_t Int8Weight::bytes() const {
  constexpr int64_t kPerChannel =
      sizeof(float) + 2 * sizeof(int32_t);  // scale, zero point, sum of the weights
  int64_t total = 0;
  for (const Part& part : parts_) total += part.rows * (part.columns + kPerChannel);
  return total;
}

}  // namespace finetag
