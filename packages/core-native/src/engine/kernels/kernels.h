// The CPU's fused kernels: plain memory, float32, no libtorch. A caller splits the work and calls them on its
// threads; each writes only what its range covers.
//
// Shape letters: B texts, T tokens of all texts together, H features, I intermediate features, N heads, D
// head size, L labels, R rows (T or B).
#pragma once

#include <cstdint>

#include "engine/core/dropout_key.h"

namespace finetag {

enum class Activation;

struct DropoutMask {
  DropoutKey key;
  uint32_t threshold;  // an element is dropped where its random word is below; 0: none is
  float scale;         // 1 / (1 - p)
};

/// Rows that one call of a kernel with column sums works on. The sums of each chunk are kept apart and added
/// in the chunks' order, so that they do not depend on the number of threads.
constexpr int64_t kChunkRows = 32;

/// y = norm(dropout(x + bias) + residual) over rows of `features` (Ba et al. 2016).
struct ResidualNorm {
  int64_t features;
  const float* x_RH;
  const float* bias_H;  // or null
  const float* residual_RH;
  const float* weight_H;
  const float* shift_H;  // or null
  float epsilon;
  DropoutMask mask;
  float* sum_RH;  // what is normed, for the backward pass; or null
  float* mean_R;  // with sum_RH
  float* rstd_R;  // with sum_RH
  float* y_RH;
};
struct ResidualNormGrad {
  int64_t features;
  const float* grad_y_RH;
  const float* sum_RH;
  const float* mean_R;
  const float* rstd_R;
  const float* weight_H;
  DropoutMask mask;
  float* grad_residual_RH;
  float* grad_x_RH;  // may be grad_residual_RH where nothing is dropped
  float* sums_C3H;   // per chunk: gradients of weight, shift and bias
};

struct EmbeddingNorm {
  static constexpr int64_t kMostTables = 4;
  int64_t features;
  int64_t tables;  // 1 to kMostTables
  const float* tables_VH[kMostTables];
  const int32_t* ids_T[kMostTables];
  const float* weight_H;
  const float* shift_H;  // or null
  float epsilon;
  DropoutMask mask;
  float* sum_TH;  // or null
  float* mean_T;
  float* rstd_T;
  float* y_TH;
};
struct EmbeddingNormGrad {
  int64_t features;
  const float* grad_y_TH;
  const float* sum_TH;
  const float* mean_T;
  const float* rstd_T;
  const float* weight_H;
  DropoutMask mask;
  float* grad_sum_TH;
  float* sums_C2H;  // per chunk: gradients of weight and shift
};

struct BiasActivation {
  int64_t features;
  Activation activation;
  const float* x_RI;
  const float* bias_I;  // or null
  float* y_RI;          // may be x_RI
};
struct BiasActivationGrad {
  int64_t features;
  Activation activation;
  const float* x_RI;
  const float* bias_I;  // or null
  float* y_RI;          // computed once more, for the gradient of the next weight
  float* grad_RI;       // in: of y; out: of x
  float* sums_CI;       // per chunk: gradient of the bias
};

/// Self-attention of one text and head at a time (Vaswani et al. 2017, 3.2): scores, softmax, dropout and
/// values stay in cache. The backward pass computes the scores once more from the saved log-sum-exp (Dao et
/// al. 2022).
struct Attention {
  int64_t heads;
  int64_t head_size;
  const int32_t* cu_seqlens;  // [B + 1]
  bool first_only;            // queries are the first tokens: B rows
  float* query;               // rows of `query_stride`; the bias is added in place
  int64_t query_stride;
  float* key_value;  // [T, 2H] within rows of `key_value_stride`
  int64_t key_value_stride;
  const float* query_bias_H;       // or null
  const float* key_value_bias_2H;  // or null, together with the former
  DropoutMask mask;
  float* log_sum_exp;  // [rows of queries, N], or null
  float* context;      // [rows of queries, H]
};
struct AttentionGrad {
  int64_t heads;
  int64_t head_size;
  const int32_t* cu_seqlens;
  bool first_only;
  const float* query;
  int64_t query_stride;
  const float* key_value;
  int64_t key_value_stride;
  DropoutMask mask;
  const float* log_sum_exp;
  const float* grad_context;
  float* grad_query;  // strides as of query and key_value
  float* grad_key_value;
};

/// Binary cross-entropy of logits, and its gradient in one pass.
struct BceWithLogits {
  int64_t labels;
  const float* logits_BL;
  const float* labels_BL;
  const float* mask_BL;  // or null
  float* grad_BL;        // or null
  double* loss_B;
};

struct AdamWStep {
  float decay;        // 1 - rate * weight_decay
  float step_size;    // rate / (1 - beta1^t)
  float rsqrt_scale;  // 1 / sqrt(1 - beta2^t)
  float gain1;        // 1 - beta1, formed in double: the difference of float32 numbers would be off by 1e-5
  float beta2;
  float gain2;  // 1 - beta2
  float epsilon;
  float gradient_scale;  // of clipping
};

/// y = x W^T where x has few rows; `outputs` of the weight's rows, in groups of kFewRowsOutputs.
struct FewRowsProduct {
  int64_t rows;
  int64_t depth;  // I
  int64_t outputs;
  const float* x_RI;
  const float* weight_OI;
  float* y_RO;
  int64_t ahead;  // groups that weights are fetched before their use, into the second-level cache
};
constexpr int64_t kFewRowsOutputs = 4;

/// A matrix, or its transpose: element (i, k) stands at data[i * row + k * column].
struct MatrixView {
  const float* data;
  int64_t row;
  int64_t column;
};

/// C [rows, columns] = A [rows, depth] B [depth, columns]; of the strides of A and of B, one is 1.
struct MatrixProduct {
  int64_t rows;
  int64_t columns;
  int64_t depth;
  MatrixView a;
  MatrixView b;
  float* c;
  int64_t c_stride;  // of rows; columns are contiguous
  bool accumulate;   // C += A B
};

/// What one call forms of a product: panels of the tile's rows, by columns.
struct ProductPart {
  int64_t panel_begin;
  int64_t panel_end;
  int64_t column_begin;  // a multiple of the tile's columns
  int64_t column_end;
};

/// All functions of one instruction set.
struct Kernels {
  const char* name;
  /// Of the tiles that matrix products are formed of.
  int64_t tile_rows;
  int64_t tile_columns;
  void (*residual_norm)(const ResidualNorm&, int64_t begin, int64_t end);
  void (*residual_norm_grad)(const ResidualNormGrad&, int64_t rows, int64_t chunk);
  void (*embedding_norm)(const EmbeddingNorm&, int64_t begin, int64_t end);
  void (*embedding_norm_grad)(const EmbeddingNormGrad&, int64_t rows, int64_t chunk);
  void (*bias_activation)(const BiasActivation&, int64_t begin, int64_t end);
  void (*bias_activation_grad)(const BiasActivationGrad&, int64_t rows, int64_t chunk);
  /// [begin, end): pairs text * heads + head.
  void (*attention)(const Attention&, int64_t begin, int64_t end);
  void (*attention_grad)(const AttentionGrad&, int64_t begin, int64_t end);
  /// The factors (0 or scale) that attention applies to the probabilities of one text and head: [queries,
  /// keys].
  void (*attention_factors)(const DropoutMask&, int64_t pair, int64_t count, float* factors);
  /// y = x * factors, over rows.
  void (*dropout)(const float* x, float* y, int64_t columns, const DropoutMask&, int64_t begin, int64_t end);
  void (*bce_with_logits)(const BceWithLogits&, int64_t begin, int64_t end);
  /// sums[c] (+)= sum over rows of x[r, c], for columns [begin, end).
  void (*column_sums)(const float* x, int64_t rows, int64_t stride, bool accumulate, float* sums,
                      int64_t begin, int64_t end);
  /// [begin, end): groups of outputs, the last of which may be short.
  void (*few_rows_product)(const FewRowsProduct&, int64_t begin, int64_t end);
  /// Packs the panels [begin, end) of an A that lies by columns (a.row is 1) into `packed`, which has room
  /// for whole panels: tile_rows * depth floats each.
  void (*pack_product)(const MatrixProduct&, int64_t begin, int64_t end, float* packed);
  /// Forms a part of C, from `packed` where A lies by columns. The sums do not depend on how C is parted.
  void (*matrix_product)(const MatrixProduct&, const float* packed, const ProductPart&);
  double (*square_sum)(const float* x, int64_t count);
  void (*adamw)(const AdamWStep&, float* value, const float* gradient, float* exp_avg, float* exp_avg_sq,
                int64_t count);
  /// Steps without a gradient, in order, in registers: the bits that `adamw` gives with a gradient of zeros.
  void (*adamw_idle)(const AdamWStep* steps, int64_t count_steps, float* value, float* exp_avg,
                     float* exp_avg_sq, int64_t count);
  /// The same where both moments are zero: only decay is left.
  void (*decay_idle)(const AdamWStep* steps, int64_t count_steps, float* value, int64_t count);
};

/// The kernels for this machine.
const Kernels& kernels();

}  // namespace finetag
