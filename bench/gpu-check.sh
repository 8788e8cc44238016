#!/usr/bin/env bash
# Everything that only a GPU can show, in one go: sets up the CUDA variant, runs the parity tests on the GPU, the
# engine under compute-sanitizer where that is installed, and the training benchmark in float32 and bf16. One JSON
# file holds the outcome with hardware and versions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'TEXT'
bench/gpu-check.sh [--output FILE] [--steps N] [--rehearse]

  --output FILE   where the results go (default: bench/results/gpu-check.json; of a rehearsal .cache/gpu-rehearsal.json)
  --steps N       optimizer steps of each benchmark (default 400)
  --rehearse      the same way on the CPU, with the variant in use and a tiny model: shows that the script works

Needs what the set-up needs, an NVIDIA driver 580 or newer, and 7 GB of disk while it installs. LIBTORCH_PATH names a
CUDA libtorch of your own; FINETAG_PEER_PYTHON a Python with transformers and a torch for the GPU, to compare with.
Exit codes: 0 all that ran passed (the last lines tell what was left out), 1 something failed, 3 no CUDA device was found.
TEXT
}

output=
steps=400
device=cuda
while [ $# -gt 0 ]; do
  case "$1" in
    --output) output=${2:?--output needs a file}; shift 2 ;;
    --steps) steps=${2:?--steps needs a number}; shift 2 ;;
    --rehearse) device=cpu; shift ;;
    -h | --help) usage; exit 0 ;;
    *) echo "gpu-check: unknown option $1; see --help" >&2; exit 2 ;;
  esac
done

if ! [[ $steps =~ ^[1-9][0-9]+$ ]]; then
  echo "gpu-check: --steps $steps: must be a whole number of at least 10" >&2
  exit 2
fi

no_device() {
  echo "gpu-check: no CUDA device was found on this machine: $1. Nothing was run on a GPU." >&2
  exit 3
}

if [ "$device" = cuda ]; then
  command -v nvidia-smi > /dev/null || no_device "there is no nvidia-smi"
  nvidia-smi -L 2> /dev/null | grep -q '^GPU' || no_device "nvidia-smi lists none"
  # For all that follows, and only that: the variant in use stays what it is.
  export FINETAG_VARIANT=cuda
fi

# A rehearsal touches nothing that a run on a GPU left.
work=.cache/gpu-check
result=bench/results/gpu-check.json
if [ "$device" = cpu ]; then
  work=.cache/gpu-rehearsal
  result=$work.json
fi
rm -rf "$work"
mkdir -p "$work"
finetag=packages/cli/bin/finetag.mjs

note() { echo "$1 $2" >> "$work/steps"; }

# A step's output goes to the terminal and to a log; that it fails is noted, and the next one still runs.
step() {
  local name=$1
  shift
  echo "== $name"
  if "$@" 2>&1 | tee "$work/$name.log"; then note "$name" ok; else note "$name" failed; fi
}

node scripts/bootstrap.mjs --tests
node "$finetag" doctor --json > "$work/doctor.json"
if [ "$device" = cuda ] && ! grep -q '"cuda:0"' "$work/doctor.json"; then
  no_device "nvidia-smi lists one, but libtorch finds none; is the driver 580 or newer?"
fi

build=$(node --input-type=module --eval \
  'import { activeVariant, buildFolder } from "./scripts/lib/native/variant.mjs"; console.log(buildFolder(activeVariant()));')
step cpp "$build/Release/finetag_tests"

step parity env FINETAG_TEST_DEVICE="$device" node node_modules/vitest/vitest.mjs run --project across \
  test/parity/engine --reporter=default --reporter=json --outputFile.json="$work/parity.json"

precisions="float32 bf16"
if [ "$device" = cpu ]; then
  precisions=float32
  note sanitizer "left out: no GPU"
  step steps node bench/gpu/steps.mjs cpu float32
elif command -v compute-sanitizer > /dev/null; then
  compute-sanitizer --version | tail -1 > "$work/sanitizer-version"
  # libtorch's own allocator would hand out pieces of large blocks, in which an overrun hits another tensor unseen.
  sanitize() {
    for precision in $precisions; do
      PYTORCH_NO_CUDA_MEMORY_CACHING=1 compute-sanitizer --tool memcheck --error-exitcode 9 \
        node bench/gpu/steps.mjs cuda "$precision" || return 1
    done
  }
  step sanitizer sanitize
else
  note sanitizer "left out: compute-sanitizer is not installed"
  for precision in $precisions; do step "steps-$precision" node bench/gpu/steps.mjs cuda "$precision"; done
fi

[ -n "${FINETAG_PEER_PYTHON:-}" ] || note peer "left out: FINETAG_PEER_PYTHON names no Python with the peers"
for precision in $precisions; do
  shapes=6x384,12x768
  [ "$device" = cpu ] && shapes=2x128
  step "train-$precision" node bench/gpu/train.mjs --device "$device" --precision "$precision" --steps "$steps" \
    --shapes "$shapes" --output "$work/train-$precision.json"
done

node bench/gpu/report.mjs "$work" "${output:-$result}"
