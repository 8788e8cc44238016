// Where a training step's time goes, and what the machine's matrix product would allow. Prints one JSON
// object.
//
//   finetag_roofline LAYERS HIDDEN VOCABULARY THREADS STEPS ROUNDS < lengths
//
// Each round measures all steps, then the products, so that a share compares what the machine did at one
// time. `lengths`: token counts of texts, whitespace-separated, cut into batches of 32 in this order. The
// model's shape is BERT's: heads of 64 (32 below a hidden size of 512), intermediate size 4 times the hidden
// size, 28 labels.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "engine/core/cpu_memory.h"
#include "engine/device/device.h"
#include "engine/kernels/kernels.h"
#include "engine/ops/product/linear_product.h"
#include "engine/ops/product/matrix_product.h"
#include "engine/session/session.h"
#include "engine/train/trainer.h"

using namespace finetag;

namespace {

constexpr int64_t kBatch = 32, kLabels = 28;

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<int64_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// Seconds of one product on each way, a value for each round.
struct Times {
  std::vector<double> libtorch, own;
};

/// GFLOP/s.
struct Rates {
  double libtorch, own;
  double best() const { return std::max(libtorch, own); }
};

/// out = a b, and how long it takes.
struct Product {
  at::Tensor a, b;
  at::Tensor out = at::empty({a.size(0), b.size(1)});
  Times times{};

  double flop() const { return 2.0 * static_cast<double>(a.size(0) * a.size(1) * b.size(1)); }

  /// The medians of a few runs in turns.
  void measure() {
    const int repeats = std::max(1, static_cast<int>(2e9 / flop()));
    Times runs;
    for (int run = 0; run < 5; ++run) {
      runs.libtorch.push_back(seconds([&] {
        for (int i = 0; i < repeats; ++i) at::mm_out(out, a, b);
      }));
      runs.own.push_back(seconds([&] {
        for (int i = 0; i < repeats; ++i) own_matrix_product(out, a, b, /*accumulate=*/false);
      }));
    }
    times.libtorch.push_back(median(runs.libtorch) / repeats);
    times.own.push_back(median(runs.own) / repeats);
  }

  Rates rates() const { return {flop() / median(times.libtorch) / 1e9, flop() / median(times.own) / 1e9}; }
};

/// A linear layer's products in training.
struct Layer {
  const char* name;
  int64_t out, in;
  Product forward, input, weight;
};

Layer make_layer(const char* name, int64_t rows, int64_t out, int64_t in) {
  const at::Tensor x = at::randn({rows, in}), w = at::randn({out, in}), y = at::randn({rows, out});
  return {name, out, in, {x, w.t()}, {y, w}, {y.t(), x}};
}

/// GFLOP/s of `rows` rows through the weights of all layers, one after the other as a forward pass does, so
/// that they are no nearer than they are there.
template <typename Linear>
double rate_of_few(int64_t rows, const std::vector<at::Tensor>& weights, const Linear& linear) {
  double flop = 0;
  std::vector<at::Tensor> inputs;
  for (const at::Tensor& weight : weights) {
    inputs.push_back(at::randn({rows, weight.size(1)}));
    flop += 2.0 * static_cast<double>(rows * weight.numel());
  }
  std::vector<double> times;
  for (int run = 0; run < 25; ++run)
    times.push_back(seconds([&] {
      for (size_t i = 0; i < weights.size(); ++i) linear(inputs[i], weights[i]);
    }));
  return flop / median(times) / 1e9;
}

HostBatch make_batch(const ModelConfig& config, const std::vector<int64_t>& lengths, std::mt19937& random) {
  HostBatch batch;
  batch.cu_seqlens.push_back(0);
  for (const int64_t length : lengths) {
    for (int64_t i = 0; i < length; ++i)
      batch.ids_T.push_back(1 + static_cast<int32_t>(random() % (config.vocab_size - 1)));
    batch.cu_seqlens.push_back(static_cast<int32_t>(batch.ids_T.size()));
    for (int64_t l = 0; l < kLabels; ++l) batch.labels_BL.push_back(static_cast<float>(random() % 16 == 0));
  }
  batch.token_types_T.assign(batch.ids_T.size(), 0);
  return batch;
}

/// Peak of the process so far; 0 where the system does not tell.
double peak_rss_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::atof(line.c_str() + 6) / 1024;
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 7) {
    std::fprintf(stderr, "usage: finetag_roofline LAYERS HIDDEN VOCABULARY THREADS STEPS ROUNDS < lengths\n");
    return 2;
  }
  const auto argument = [&](int i) { return std::atoll(arguments[i]); };
  SessionConfig options;
  ModelConfig& model = options.model;
  model.num_hidden_layers = argument(1);
  model.hidden_size = argument(2);
  model.vocab_size = argument(3);
  options.threads = static_cast<int>(argument(4));
  const int64_t steps = argument(5), rounds = argument(6);
  const int64_t H = model.hidden_size, I = 4 * H, N = model.num_hidden_layers;
  model.intermediate_size = I;
  model.num_attention_heads = H < 512 ? H / 32 : H / 64;
  model.max_position_embeddings = 512;
  model.type_vocab_size = 2;
  model.num_labels = kLabels;
  model.hidden_dropout_prob = model.attention_probs_dropout_prob = model.classifier_dropout = 0.1;

  std::vector<int64_t> lengths;
  for (int64_t length; std::cin >> length;) lengths.push_back(length);
  if (static_cast<int64_t>(lengths.size()) < kBatch) {
    std::fprintf(stderr, "at least %ld lengths are needed\n", static_cast<long>(kBatch));
    return 2;
  }
  std::mt19937 random(1);
  std::vector<HostBatch> batches;
  for (size_t at = 0; at + kBatch <= lengths.size() && static_cast<int64_t>(batches.size()) < steps;
       at += kBatch)
    batches.push_back(make_batch(model, {lengths.begin() + at, lengths.begin() + at + kBatch}, random));

  Session session(options, nullptr);
  Trainer trainer(session);
  for (const NamedParameter& parameter : session.parameters()) session.initialize({parameter.name});
  trainer.configure({});

  // Work that must be done: all layers on all tokens, but the last one's queries, output and feed-forward
  // layers on first tokens alone. Attention's products count as well.
  double tokens = 0, texts = 0, flop = 0;
  for (const HostBatch& batch : batches) {
    const auto T = static_cast<double>(batch.tokens()), B = static_cast<double>(batch.texts());
    tokens += T;
    texts += B;
    const auto h = static_cast<double>(H);
    flop += 2 * h * h * (12 * T * static_cast<double>(N - 1) + 2 * T + 10 * B);
    for (size_t b = 0; b + 1 < batch.cu_seqlens.size(); ++b) {
      const double length = batch.cu_seqlens[b + 1] - batch.cu_seqlens[b];
      flop += 4 * h * (length * length * static_cast<double>(N - 1) + length);
    }
  }

  // The products of a step at its usual number of tokens.
  const auto T = static_cast<int64_t>(tokens / static_cast<double>(batches.size()));
  Layer layers[] = {make_layer("query_key_value", T, 3 * H, H), make_layer("attention_output", T, H, H),
                    make_layer("intermediate", T, I, H), make_layer("output", T, H, I)};

  for (const HostBatch& batch : batches) trainer.train_step({batch});  // warm
  session.forward(batches.front());
  const at::NoGradGuard no_grad;  // steps turn it off for themselves

  std::vector<double> training, inference, data, forward, backward, optimizer;
  size_t fetched_later = 0;
  for (int64_t round = 0; round < rounds; ++round) {
    const size_t before = fetched_cpu_blocks();
    StepTimes sum;
    training.push_back(seconds([&] {
      for (const HostBatch& batch : batches) {
        const at::AutoGradMode grad(true);
        const StepTimes times = trainer.train_step({batch}).times;
        sum.data += times.data;
        sum.forward += times.forward;
        sum.backward += times.backward;
        sum.optimizer += times.optimizer;
      }
    }));
    fetched_later += fetched_cpu_blocks() - before;
    data.push_back(sum.data);
    forward.push_back(sum.forward);
    backward.push_back(sum.backward);
    optimizer.push_back(sum.optimizer);
    inference.push_back(seconds([&] {
      for (const HostBatch& batch : batches) session.forward(batch);
    }));
    for (Layer& layer : layers)
      for (Product* product : {&layer.forward, &layer.input, &layer.weight}) product->measure();
  }
  const double peak = peak_rss_mb();

  double gemm_forward = 0, gemm_backward = 0, weight = 0;
  std::printf("{\"gemm\":[");
  for (const Layer& layer : layers) {
    const Rates ahead = layer.forward.rates(), input = layer.input.rates(), weights = layer.weight.rates();
    const auto size = static_cast<double>(layer.out * layer.in);
    weight += size;
    gemm_forward += size / ahead.best();
    gemm_backward += size * (1 / input.best() + 1 / weights.best()) / 2;
    std::printf("%s{\"name\":\"%s\",\"m\":%ld,\"n\":%ld,\"k\":%ld", &layer == layers ? "" : ",", layer.name,
                static_cast<long>(T), static_cast<long>(layer.out), static_cast<long>(layer.in));
    for (const auto& [way, r] : {std::pair{"forward", ahead}, {"input", input}, {"weight", weights}})
      std::printf(",\"%s\":{\"libtorch\":%.1f,\"own\":%.1f}", way, r.libtorch, r.own);
    std::printf("}");
  }
  std::printf("],\"few_rows\":[");
  std::vector<at::Tensor> all;
  for (int64_t layer = 0; layer < N; ++layer)
    for (const Layer& l : layers) all.push_back(at::randn({l.out, l.in}));
  const auto libtorch = [](const at::Tensor& x, const at::Tensor& w) { return at::mm(x, w.t()); };
  const auto packed = [](const at::Tensor& x, const at::Tensor& w) {
    const at::Tensor y = at::empty({x.size(0), w.size(0)});
    own_matrix_product(y, x, w.t(), /*accumulate=*/false);
    return y;
  };
  for (const int64_t rows : {1, 8, 19, 32, 48, 64, 96, 128, 192})
    std::printf("%s{\"m\":%ld,\"libtorch\":%.1f,\"own\":%.1f,\"few_rows\":%.1f}", rows == 1 ? "" : ",",
                static_cast<long>(rows), rate_of_few(rows, all, libtorch), rate_of_few(rows, all, packed),
                rate_of_few(rows, all, few_rows_product));
  const double gemm_training = 3 * weight / (gemm_forward + 2 * gemm_backward);
  gemm_forward = weight / gemm_forward;
  gemm_backward = weight / gemm_backward;
  const double trained = 3 * flop / median(training) / 1e9, predicted = flop / median(inference) / 1e9;
  std::printf("],\"gemm_forward\":%.1f,\"gemm_backward\":%.1f,\"gemm_training\":%.1f,", gemm_forward,
              gemm_backward, gemm_training);
  std::printf("\"training\":{\"texts_per_second\":%.1f,\"gflops\":%.1f,\"share\":%.3f,",
              texts / median(training), trained, trained / gemm_training);
  std::printf("\"seconds\":{\"data\":%.4f,\"forward\":%.4f,\"backward\":%.4f,\"optimizer\":%.4f},",
              median(data), median(forward), median(backward), median(optimizer));
  // What each phase reaches while it runs; data and optimizer have no products that must be done.
  std::printf("\"shares\":{\"forward\":%.3f,\"backward\":%.3f},\"blocks_fetched\":%zu},",
              flop / median(forward) / 1e9 / gemm_forward, 2 * flop / median(backward) / 1e9 / gemm_backward,
              fetched_later);
  std::printf("\"inference\":{\"texts_per_second\":%.1f,\"gflops\":%.1f,\"share\":%.3f},",
              texts / median(inference), predicted, predicted / gemm_forward);
  std::printf(
      "\"peak_rss_mb\":%.0f,\"kernels\":\"%s\",\"threads\":%d,\"steps\":%zu,\"rounds\":%ld,\"tokens\":%.0f}"
      "\n",
      peak, kernels().name, options.threads, batches.size(), static_cast<long>(rounds), tokens);
  return 0;
}
