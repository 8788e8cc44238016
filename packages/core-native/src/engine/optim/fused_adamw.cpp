#include "engine/optim/fused_adamw.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/ops/fused.h"

namespace finetag {

namespace {

constexpr int64_t kPiece = 1 << 15;  // elements of one task
constexpr int64_t kRowsPerTask = 16;

/// A run of a tensor's elements.
struct Piece {
  float* value;
  const float* gradient;
  float* exp_avg;
  float* exp_avg_sq;
  int64_t count;
  bool decays;
};

std::vector<Piece> pieces_of(const std::vector<StoredParameter>& stored) {
  std::vector<Piece> pieces;
  for (const StoredParameter& parameter : stored) {
    const at::Tensor& gradient = parameter.value.grad();
    if (!gradient.defined()) continue;
    const bool moments = parameter.exp_avg.defined();
    for (int64_t at = 0; at < gradient.numel(); at += kPiece) {
      pieces.push_back({mutable_data(parameter.value.detach()) + at, data(gradient) + at,
                        moments ? mutable_data(parameter.exp_avg) + at : nullptr,
                        moments ? mutable_data(parameter.exp_avg_sq) + at : nullptr,
                        std::min(kPiece, gradient.numel() - at), parameter.decays});
    }
  }
  return pieces;
}

AdamWStep make_step(const AdamWOptions& o, int64_t step, bool decays, double gradient_scale) {
  const auto n = static_cast<double>(step);
  return {static_cast<float>(1.0 - o.learning_rate * (decays ? o.weight_decay : 0.0)),
          static_cast<float>(o.learning_rate / (1.0 - std::pow(o.beta1, n))),
          static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(o.beta2, n))),
          static_cast<float>(1.0 - o.beta1),
          static_cast<float>(o.beta2),
          static_cast<float>(1.0 - o.beta2),
          static_cast<float>(o.epsilon),
          static_cast<float>(gradient_scale)};
}

bool all_zero(const float* x, int64_t count) {
  return std::all_of(x, x + count, [](float v) { return v == 0.0f; });
}

}  // namespace

void FusedAdamW::start_at(int64_t step) {
  first_step_ = step;
  history_.clear();
  tables_.clear();
  for (StoredParameter& parameter : store_.stored()) {
    if (parameter.rows == nullptr) continue;
    const int64_t V = parameter.value.size(0), H = parameter.value.size(1);
    Table table{&parameter, std::vector<int64_t>(V, step), std::vector<char>(V)};
    for (int64_t row = 0; row < V; ++row) {
      table.still_V[row] =
          all_zero(data(parameter.exp_avg) + row * H, H) && all_zero(data(parameter.exp_avg_sq) + row * H, H);
    }
    tables_.push_back(std::move(table));
  }
}

double FusedAdamW::gradient_norm() const {
  std::vector<Piece> pieces = pieces_of(store_.stored());
  for (const StoredParameter& parameter : store_.stored()) {
    if (parameter.rows == nullptr || parameter.rows->rows().empty()) continue;
    const at::Tensor values = parameter.rows->values();
    pieces.push_back({nullptr, data(values), nullptr, nullptr, values.numel(), false});
  }
  std::vector<double> sums(pieces.size());
  at::parallel_for(0, static_cast<int64_t>(pieces.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) sums[i] = kernels().square_sum(pieces[i].gradient, pieces[i].count);
  });
  return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
}

void FusedAdamW::step(const AdamWOptions& options, int64_t step, double norm, double max_norm) {
  const double scale = max_norm > 0 ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0;
  const AdamWStep decayed = make_step(options, step, true, scale);
  const AdamWStep plain = make_step(options, step, false, scale);
  const std::vector<Piece> pieces = pieces_of(store_.stored());
  at::parallel_for(0, static_cast<int64_t>(pieces.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Piece& p = pieces[i];
      kernels().adamw(p.decays ? decayed : plain, p.value, p.gradient, p.exp_avg, p.exp_avg_sq, p.count);
    }
  });

  for (Table& table : tables_) {
    const std::vector<int32_t>& rows = table.parameter->rows->rows();
    replay(table, rows);
    const at::Tensor gradients = table.parameter->rows->values();
    const int64_t H = table.parameter->value.size(1);
    float* values = mutable_data(table.parameter->value.detach());
    float *exp_avg = mutable_data(table.parameter->exp_avg),
          *exp_avg_sq = mutable_data(table.parameter->exp_avg_sq);
    at::parallel_for(0, static_cast<int64_t>(rows.size()), kRowsPerTask, [&](int64_t begin, int64_t end) {
      for (int64_t slot = begin; slot < end; ++slot) {
        const int64_t row = rows[slot], at = row * H;
        kernels().adamw(decayed, values + at, data(gradients) + slot * H, exp_avg + at, exp_avg_sq + at, H);
        table.done_V[row] = step;
        table.still_V[row] = false;
      }
    });
  }
  history_.push_back(decayed);
}

void FusedAdamW::replay(Table& table, const std::vector<int32_t>& rows) {
  const int64_t H = table.parameter->value.size(1), last = now();
  float* values = mutable_data(table.parameter->value.detach());
  float *exp_avg = mutable_data(table.parameter->exp_avg),
        *exp_avg_sq = mutable_data(table.parameter->exp_avg_sq);
  at::parallel_for(0, static_cast<int64_t>(rows.size()), kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = rows[i], at = row * H, missed = last - table.done_V[row];
      if (missed == 0) continue;
      const AdamWStep* steps = history_.data() + (table.done_V[row] - first_step_);
      if (table.still_V[row]) {
        kernels().decay_idle(steps, missed, values + at, H);
      } else {
        kernels().adamw_idle(steps, missed, values + at, exp_avg + at, exp_avg_sq + at, H);
      }
      table.done_V[row] = last;
    }
  });
}

void FusedAdamW::catch_up(const at::Tensor& ids_T) {
  const int32_t* ids = ids_T.const_data_ptr<int32_t>();
  std::vector<int32_t> rows(ids, ids + ids_T.numel());
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  for (Table& table : tables_) replay(table, rows);
}

void FusedAdamW::catch_up() {
  if (!has_late_rows()) return;
  for (Table& table : tables_) {
    std::vector<int32_t> rows(table.done_V.size());
    std::iota(rows.begin(), rows.end(), 0);
    replay(table, rows);
  }
  first_step_ = now();
  history_.clear();
}

}  // namespace finetag
