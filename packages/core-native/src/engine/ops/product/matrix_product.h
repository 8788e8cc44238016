#pragma once

#include <ATen/core/Tensor.h>

namespace finetag {

/// C = A B, or C += A B, of float32 matrices of the CPU, outside autograd: `[M, K]`, `[K, N]` -> `[M, N]`. A
/// and B may be transposed views; C has contiguous rows. By the faster of libtorch's product and the own one
/// on this processor; which of them depends on nothing else, so that the same call gives the same bits.
void matrix_product(const at::Tensor& c_MN, const at::Tensor& a_MK, const at::Tensor& b_KN, bool accumulate);
at::Tensor matrix_product(const at::Tensor& a_MK, const at::Tensor& b_KN);

/// By the own kernel (kernels/product/matrix_product.cpp), whatever the processor. The bits do not depend on
/// the number of threads.
void own_matrix_product(const at::Tensor& c_MN, const at::Tensor& a_MK, const at::Tensor& b_KN,
                        bool accumulate);

/// Whether `matrix_product` takes the own kernel here.
bool prefers_own_product();

}  // namespace finetag
