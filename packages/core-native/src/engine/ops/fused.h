// What the fused ops have in common: float32 tensors of the CPU, kernels without libtorch, and backward
// passes that write weight gradients in place.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <c10/util/intrusive_ptr.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/core/dropout_key.h"
#include "engine/kernels/kernels.h"

namespace finetag {

inline const float* data(const at::Tensor& x) { return x.const_data_ptr<float>(); }
/// Null where a layer or norm has no such tensor.
inline const float* data_or_null(const at::Tensor& x) { return x.defined() ? data(x) : nullptr; }
inline float* mutable_data(const at::Tensor& x) { return x.mutable_data_ptr<float>(); }

/// Whether an op may take its kernel for an input or weight `x`: the caller allows kernels, and x is float32
/// on the CPU, outside autocast. Each op asks for itself and else takes its composite form, so a model may
/// mix ops with and without kernels.
bool kernels_apply(const at::Tensor& x, bool allowed);

/// Threshold and scale of a dropout probability in [0, 1).
inline DropoutMask make_mask(double p, const DropoutKey& key) {
  return {key, static_cast<uint32_t>(p * 4294967296.0), static_cast<float>(1.0 / (1.0 - p))};
}

inline int64_t chunks_of(int64_t rows) { return (rows + kChunkRows - 1) / kChunkRows; }

/// Rows of a kernel on all threads; a task is not worth less than about 16k elements.
template <typename Body>
void parallel_rows(int64_t rows, int64_t features, const Body& body) {
  at::parallel_for(0, rows, std::max<int64_t>(1, 16384 / features), body);
}

template <typename Body>
void parallel_chunks(int64_t rows, const Body& body) {
  at::parallel_for(0, chunks_of(rows), 1, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) body(chunk);
  });
}

/// Makes `node` the origin of `output` in autograd's graph. `inputs` are the activations whose gradients the
/// node returns, in this order; weights are not among them, since the node writes their gradients itself.
template <typename NodeType>
void record(const c10::intrusive_ptr<NodeType>& node, const at::Tensor& output,
            const std::vector<at::Tensor>& inputs) {
  torch::autograd::edge_list edges;
  for (const at::Tensor& input : inputs) edges.push_back(torch::autograd::impl::gradient_edge(input));
  node->set_next_edges(std::move(edges));
  torch::autograd::set_history(output, node);
}

}  // namespace finetag
