#if defined(__linux__)
#include <sched.h>
#endif

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "check.h"
#include "engine/core/cancel.h"
#include "engine/core/core_gate.h"
#include "engine/device/device.h"
#include "helpers.h"

using namespace finetag;
using namespace finetag::test;

namespace {

template <typename F>
bool is_cancelled(F&& work) {
  try {
    work();
  } catch (const Cancelled&) {
    return true;
  }
  return false;
}

int threads_of_a_parallel_loop() {
  std::atomic<int> most{0};
  at::parallel_for(0, 64, 1, [&](int64_t, int64_t) { most = std::max<int>(most, at::get_thread_num() + 1); });
  return most;
}

}  // namespace

// libtorch gives a thread, at its first parallel region, the number that any thread set last.
TEST(a_session_keeps_its_threads_when_another_opens) {
  const int before = default_threads();
  int counted = 0, ran = 0, told = 0;
  std::thread([&] {
    SessionConfig options;
    options.model = tiny_config();
    options.threads = 2;
    const Session session(options, nullptr);
    std::thread([] { open_session(tiny_config(), 1); }).join();
    ran = threads_of_a_parallel_loop();
    counted = at::get_num_threads();
  }).join();
  REQUIRE(ran == 2);
  REQUIRE(counted == 2);
  std::thread([&] { told = engine_info().threads; }).join();
  REQUIRE(told == before);
}

TEST(a_stop_flag_breaks_off_a_backward_pass) {
  const ModelConfig config = tiny_config();
  for (const bool fused : {false, true}) {
    ParameterStore store(c10::kCPU, fused);
    const auto model = make_model(store, config);
    for (const NamedParameter& parameter : store.named()) store.initialize(parameter.name, 1, 0.1);
    const Batch batch = to_device(random_batch(config, {3, 5}), config, c10::kCPU);
    std::atomic<bool> stop{false};
    const CancelScope scope(&stop);
    const auto loss = [&] {
      ForwardContext context;
      context.fused = fused;
      return model->forward(batch, context).sum();
    };
    const at::Tensor first = loss();
    stop = true;
    REQUIRE(is_cancelled([&] { torch::autograd::backward({first}); }));
    stop = false;
    torch::autograd::backward({loss()});
    REQUIRE(store.stored().front().dense_gradient().abs().sum().item<double>() > 0);
  }
}

TEST(a_session_that_is_stopped_does_not_wait_for_cores) {
  std::atomic<bool> stop{false};
  bool cancelled = false;
  {
    const CoreGate::Permit everything(1'000'000);
    std::thread waiting([&] {
      const CancelScope scope(&stop);
      cancelled = is_cancelled([] { CoreGate::Permit permit(1); });
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop = true;
    waiting.join();
  }
  REQUIRE(cancelled);
  // It left the queue.
  std::thread([] { CoreGate::Permit permit(1); }).join();
}

TEST(what_brings_rows_up_to_date_outside_a_step_can_be_stopped_too) {
  std::atomic<bool> stop{false};
  SessionConfig options;
  options.model = tiny_config();
  TrainedSession session(options, &stop);
  for (const NamedParameter& parameter : session.parameters()) session.initialize({parameter.name});
  session.trainer.configure({});
  session.trainer.train_step({random_batch(options.model, {3, 4})});
  const std::string table = "bert.embeddings.word_embeddings.weight";
  const auto cancelled = [&](auto&& work) {
    stop = false;
    bool was = false;
    std::thread waiting([&] { was = is_cancelled(work); });
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    stop = true;
    waiting.join();
    return was;
  };
  {
    const CoreGate::Permit everything(1'000'000);
    REQUIRE(cancelled([&] { session.read(TensorKind::kWeight, table); }));
    REQUIRE(cancelled([&] { session.trainer.set_step(5); }));
    REQUIRE(cancelled([&] { session.trainer.configure({}); }));
    REQUIRE(cancelled([&] { session.initialize({table}); }));
  }
  stop = false;
  REQUIRE(session.read(TensorKind::kWeight, table).numel() == 50 * 24);
  REQUIRE(session.trainer.step() == 1);
}

#if defined(__linux__)
TEST(cores_are_those_that_an_affinity_mask_leaves) {
  cpu_set_t before;
  REQUIRE(sched_getaffinity(0, sizeof(before), &before) == 0);
  REQUIRE(allowed_cores() == CPU_COUNT(&before));
  int counted = 0;
  std::thread([&] {  // a mask is a thread's own
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int core = 0; CPU_COUNT(&one) == 0; ++core)
      if (CPU_ISSET(core, &before)) CPU_SET(core, &one);
    if (sched_setaffinity(0, sizeof(one), &one) == 0) counted = allowed_cores();
  })
      .join();
  REQUIRE(counted == 1);
}
#endif

TEST(sessions_at_once_take_no_more_than_the_cores) {
  const int cores = allowed_cores();
  std::atomic<int> busy{0}, most{0}, turns{0};
  std::vector<std::thread> sessions;
  for (const int threads : {1, cores, cores + 5, 1, cores}) {
    sessions.emplace_back([&, threads] {
      for (int turn = 0; turn < 30; ++turn) {
        const CoreGate::Permit permit(threads);
        const int now = busy += std::min(threads, cores);
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        busy -= std::min(threads, cores);
        ++turns;
      }
    });
  }
  for (std::thread& session : sessions) session.join();
  REQUIRE(most == cores && turns == 5 * 30);
}

TEST(a_lower_number_of_cores_holds_for_permits_that_wait_and_those_that_are_out) {
  CoreGate gate(4);
  std::atomic<bool> entered{false};
  std::thread waiting;
  {
    const CoreGate::Permit three(3, gate);
    waiting = std::thread([&] {
      const CoreGate::Permit all(4, gate);  // two, once the three are back
      entered = true;
    });
    gate.limit(2);
    gate.limit(8);  // changes nothing
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    REQUIRE(!entered);
  }
  waiting.join();
  REQUIRE(entered);
  const CoreGate::Permit one(1, gate);
  {
    const CoreGate::Permit other(1, gate);
  }
  std::atomic<bool> third{false};
  {
    const CoreGate::Permit other(1, gate);
    waiting = std::thread([&] {
      const CoreGate::Permit permit(1, gate);
      third = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    REQUIRE(!third);
  }
  waiting.join();
  REQUIRE(third);
}

TEST(sessions_train_by_turns_with_the_bits_that_each_has_alone) {
  const auto train = [] {
    const ModelConfig config = tiny_config(Family::kBert, 0.1);
    const auto session = open_session(config, 2);
    session->trainer.configure({});
    std::vector<double> losses;
    for (unsigned step = 0; step < 10; ++step)
      losses.push_back(session->trainer.train_step({random_batch(config, {5, 9, 2}, step)}).loss);
    return losses;
  };
  std::vector<double> alone, together[2];
  std::thread([&] { alone = train(); }).join();
  std::vector<std::thread> sessions;
  std::atomic<int> ended{0};
  {
    const CoreGate::Permit everything(1'000'000);
    for (std::vector<double>& losses : together) {
      sessions.emplace_back([&] {
        losses = train();
        ++ended;
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    REQUIRE(ended == 0);
  }
  for (std::thread& session : sessions) session.join();
  REQUIRE(together[0] == alone && together[1] == alone);
}
