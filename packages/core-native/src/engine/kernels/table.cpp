#include "engine/kernels/functions.h"
#include "engine/kernels/product/tile.h"

namespace finetag::FINETAG_ISA {

const Kernels table = {
#if defined(__AVX512F__)
    "avx512",
#elif defined(__AVX2__)
    "avx2",
#else
    "baseline",
#endif
    kTileRows,
    kTileColumns,
    residual_norm,
    residual_norm_grad,
    embedding_norm,
    embedding_norm_grad,
    bias_activation,
    bias_activation_grad,
    attention,
    attention_grad,
    attention_factors,
    dropout,
    bce_with_logits,
    column_sums,
    few_rows_product,
    pack_product,
    matrix_product,
    square_sum,
    adamw,
    adamw_idle,
    decay_idle,
};

}  // namespace finetag::FINETAG_ISA
