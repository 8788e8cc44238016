#include "engine/session/session.h"

#include <ATen/core/grad_mode.h>

#include "engine/core/autocast.h"
#include "engine/core/cancel.h"
#include "engine/core/core_gate.h"
#include "engine/core/error.h"
#include "engine/device/device.h"

namespace finetag {

namespace {

/// Checks before anything is allocated.
c10::Device checked_device(const SessionConfig& config) {
  check(config.model);
  if (config.threads < 1) throw Error(ErrorCode::kArgument, "threads must be at least 1");
  const c10::Device device = parse_device(config.device);
  check_precision(device, config.precision);
  if (config.precision == Precision::kInt8 && !config.fused)
    throw Error(ErrorCode::kArgument, "int8 needs the fused kernels");
  return device;
}

}  // namespace

Session::Session(const SessionConfig& config, const std::atomic<bool>* stop, const ModelFactory& make)
    : config_(config),
      device_(checked_device(config)),
      fused_(config.fused && device_.is_cpu() && config.precision != Precision::kBfloat16),
      stop_(stop),
      store_(device_, fused_, config.precision == Precision::kInt8) {
  if (device_.is_cpu()) {
    install_cpu_memory();
    release_memory_.is_cpu = true;
  }
  if (config.cores > 0) CoreGate::instance().limit(config.cores);
  set_thread_count(config.threads);
  model_ = make(store_, config_.model);
}

Batch Session::place(const HostBatch& host) {
  Batch batch = to_device(host, config_.model, device_, model_->tables(fused_));
  if (late_rows_ != nullptr) late_rows_->catch_up(batch.ids_T);
  return batch;
}

at::Tensor Session::loss_sum(const Batch& batch, ForwardContext& context) const {
  const AutocastScope autocast(device_, config_.precision);
  const at::Tensor logits_BL = model_->forward(batch, context);
  return finetag::loss_sum(config_.loss, logits_BL, batch.labels_BL, batch.label_mask_BL, fused_);
}

ForwardResult Session::forward(const HostBatch& host) {
  store_.require_filled();
  check(host, config_.model);
  const CancelScope cancel(stop_);
  const CoreGate::Permit permit(config_.threads);
  const at::NoGradGuard no_grad;
  const Batch batch = place(host);
  ForwardContext context;
  context.fused = fused_;
  at::Tensor logits_BL;
  {
    const AutocastScope autocast(device_, config_.precision);
    logits_BL = model_->forward(batch, context).to(at::kFloat);
  }
  if (config_.precision == Precision::kInt8 && !is_packed_) {
    release_cpu_memory();  // the allocator holds the float32 values that this first pass has packed
    is_packed_ = true;
  }
  ForwardResult result;
  if (batch.labels_BL.defined()) {
    const at::Tensor sum =
        finetag::loss_sum(config_.loss, logits_BL, batch.labels_BL, batch.label_mask_BL, fused_);
    result.loss = {to_double(sum), count_terms(config_.loss, host)};
  }
  result.logits_BL = logits_BL.is_meta() ? logits_BL : logits_BL.to(at::kCPU).contiguous();
  return result;
}

}  // namespace finetag
