// What each instruction set's copy defines; table.cpp gathers it.
#pragma once

#include "engine/kernels/kernels.h"

namespace finetag::FINETAG_ISA {

void residual_norm(const ResidualNorm&, int64_t begin, int64_t end);
void residual_norm_grad(const ResidualNormGrad&, int64_t rows, int64_t chunk);
void embedding_norm(const EmbeddingNorm&, int64_t begin, int64_t end);
void embedding_norm_grad(const EmbeddingNormGrad&, int64_t rows, int64_t chunk);
void bias_activation(const BiasActivation&, int64_t begin, int64_t end);
void bias_activation_grad(const BiasActivationGrad&, int64_t rows, int64_t chunk);
void attention(const Attention&, int64_t begin, int64_t end);
void attention_grad(const AttentionGrad&, int64_t begin, int64_t end);
void attention_factors(const DropoutMask&, int64_t pair, int64_t count, float* factors);
void dropout(const float* x, float* y, int64_t columns, const DropoutMask&, int64_t begin, int64_t end);
void bce_with_logits(const BceWithLogits&, int64_t begin, int64_t end);
void column_sums(const float* x, int64_t rows, int64_t stride, bool accumulate, float* sums, int64_t begin,
                 int64_t end);
void few_rows_product(const FewRowsProduct&, int64_t begin, int64_t end);
void pack_product(const MatrixProduct&, int64_t begin, int64_t end, float* packed);
void matrix_product(const MatrixProduct&, const float* packed, const ProductPart&);
double square_sum(const float* x, int64_t count);
void adamw(const AdamWStep&, float* value, const float* gradient, float* exp_avg, float* exp_avg_sq,
           int64_t count);
void adamw_idle(const AdamWStep* steps, int64_t count_steps, float* value, float* exp_avg, float* exp_avg_sq,
                int64_t count);
void decay_idle(const AdamWStep* steps, int64_t count_steps, float* value, int64_t count);

/// The table of this instruction set.
extern const Kernels table;

}  // namespace finetag::FINETAG_ISA
