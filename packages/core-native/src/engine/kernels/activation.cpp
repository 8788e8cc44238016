#include "engine/core/config.h"
#include "engine/kernels/functions.h"
#include "engine/kernels/norm.h"
#include "engine/kernels/simd/math.h"

namespace finetag::FINETAG_ISA {

namespace {

struct Derived {
  F value;
  F slope;
};

// Each activation gives its value, and its value and slope together, since the backward pass wants both.

struct Gelu {  // Hendrycks & Gimpel 2016, by the error function
  static F value(F x) { return x * normal(x).cdf; }
  static Derived both(F x) {
    const Normal n = normal(x);
    return {x * n.cdf, n.cdf + x * n.density};
  }
};

struct GeluTanh {  // the same paper's approximation
  static constexpr float kRoot = 0.797884561f, kCubic = 0.044715f;
  static F inner(F x) { return kRoot * (x + kCubic * x * x * x); }
  static F value(F x) { return 0.5f * x * (1.0f + hyperbolic_tangent(inner(x))); }
  static Derived both(F x) {
    const F t = hyperbolic_tangent(inner(x));
    const F slope = kRoot * (1.0f + 3.0f * kCubic * x * x);
    return {0.5f * x * (1.0f + t), 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * slope};
  }
};

struct Relu {
  // Written so that NaN passes.
  static F value(F x) { return x <= 0.0f ? F{} : x; }
  static Derived both(F x) { return {value(x), x <= 0.0f ? F{} : broadcast(1.0f)}; }
};

struct Silu {
  static F value(F x) { return x * sigmoid(x); }
  static Derived both(F x) {
    const F s = sigmoid(x);
    return {x * s, s * (1.0f + x * (1.0f - s))};
  }
};

/// Elements of a row before the activation; `Biased` at compile time, so that no loop tests a pointer.
template <bool Biased, typename Count>
inline F biased(const float* x, const float* bias, Count n) {
  if constexpr (Biased) return load(x, n) + load(bias, n);
  return load(x, n);
}

template <typename Function, bool Biased>
void forward(const BiasActivation& o, int64_t begin, int64_t end) {
  const int64_t I = o.features;
  for (int64_t r = begin; r < end; ++r) {
    for_each_vector(I, [&](int64_t at, auto n) {
      store(o.y_RI + r * I + at, Function::value(biased<Biased>(o.x_RI + r * I + at, o.bias_I + at, n)), n);
    });
  }
}

template <typename Function, bool Biased>
void backward(const BiasActivationGrad& o, int64_t rows, int64_t chunk) {
  const int64_t I = o.features;
  float* grad_bias = o.sums_CI + chunk * I;
  zero(grad_bias, I);
  const int64_t end = rows < (chunk + 1) * kChunkRows ? rows : (chunk + 1) * kChunkRows;
  for (int64_t r = chunk * kChunkRows; r < end; ++r) {
    for_each_vector(I, [&](int64_t at, auto n) {
      const Derived d = Function::both(biased<Biased>(o.x_RI + r * I + at, o.bias_I + at, n));
      const F grad = load(o.grad_RI + r * I + at, n) * d.slope;
      store(o.y_RI + r * I + at, d.value, n);
      store(o.grad_RI + r * I + at, grad, n);
      store(grad_bias + at, load(grad_bias + at, n) + grad, n);
    });
  }
}

template <typename Function>
void forward_of(const BiasActivation& o, int64_t begin, int64_t end) {
  if (o.bias_I != nullptr) return forward<Function, true>(o, begin, end);
  forward<Function, false>(o, begin, end);
}

template <typename Function>
void backward_of(const BiasActivationGrad& o, int64_t rows, int64_t chunk) {
  if (o.bias_I != nullptr) return backward<Function, true>(o, rows, chunk);
  backward<Function, false>(o, rows, chunk);
}

}  // namespace

void bias_activation(const BiasActivation& o, int64_t begin, int64_t end) {
  switch (o.activation) {
    case Activation::kGelu:
      return forward_of<Gelu>(o, begin, end);
    case Activation::kGeluTanh:
      return forward_of<GeluTanh>(o, begin, end);
    case Activation::kRelu:
      return forward_of<Relu>(o, begin, end);
    case Activation::kSilu:
      return forward_of<Silu>(o, begin, end);
  }
}

void bias_activation_grad(const BiasActivationGrad& o, int64_t rows, int64_t chunk) {
  switch (o.activation) {
    case Activation::kGelu:
      return backward_of<Gelu>(o, rows, chunk);
    case Activation::kGeluTanh:
      return backward_of<GeluTanh>(o, rows, chunk);
    case Activation::kRelu:
      return backward_of<Relu>(o, rows, chunk);
    case Activation::kSilu:
      return backward_of<Silu>(o, rows, chunk);
  }
}

}  // namespace finetag::FINETAG_ISA
