// Shape letters: V rows of a table, H features.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/late_rows.h"
#include "engine/kernels/kernels.h"
#include "engine/nn/parameters.h"
#include "engine/optim/adamw.h"

namespace finetag {

/// AdamW by the CPU's kernel: one pass over values, gradients and moments, with clipping in it.
///
/// A table whose gradient is kept by rows is updated by rows as well. AdamW changes each row in each step
/// (its moments shrink, its weights decay), but a row without a gradient changes by the elapsed steps alone.
/// So it is left behind and replayed, step for step and with the same bits, before it is next read: by a
/// batch, or by whoever saves.
class FusedAdamW : public LateRows {
 public:
  explicit FusedAdamW(ParameterStore& store) : store_(store) {}

  /// All rows are taken to stand at step `step`; its moments may hold anything.
  void start_at(int64_t step);
  /// As gradient_norm(store), with the rows of tables.
  double gradient_norm() const;
  /// Step number `step`, counted from 1.
  void step(const AdamWOptions& options, int64_t step, double norm, double max_norm);

  bool has_late_rows() const override { return !history_.empty(); }
  void catch_up(const at::Tensor& ids_T) override;
  void catch_up() override;
  void rows_were_written() override { start_at(now()); }

 private:
  struct Table {
    StoredParameter* parameter;
    std::vector<int64_t> done_V;  // steps that each row has behind it
    std::vector<char> still_V;    // both moments of the row are zero
  };

  void replay(Table& table, const std::vector<int32_t>& rows);
  int64_t now() const { return first_step_ + static_cast<int64_t>(history_.size()); }

  ParameterStore& store_;
  std::vector<Table> tables_;
  int64_t first_step_ = 0;
  std::vector<AdamWStep> history_;  // of tables, since first_step_, where every row has been
};

}  // namespace finetag
