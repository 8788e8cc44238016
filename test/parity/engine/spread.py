"""Prints how far transformers itself strays from the stored reference here, in units of the stored `peer_error`.

    ATEN_CPU_CAPABILITY=default python spread.py [THREADS]

That is what FACTOR in tolerance.ts is taken from: another instruction set or thread count sums in another order, as
the engine does.
"""

import json
import statistics
import sys

import torch
from safetensors.torch import load_file

from generate import GOLDEN, Golden
from models import MAX_TOKENS, MODELS
from peer import Packed, TrainingOptions, float32_variants


def stored_batch(tensors, name):
    parts = (tensors[f"{name}/{part}"] for part in ("ids", "token_types", "cu_seqlens"))
    return Packed(*(part.long() for part in parts), tensors[f"{name}/labels"], tensors.get(f"{name}/label_mask"))


def multiples(values, references, peer_error, kind):
    """Error of each tensor of a kind, as a multiple of its peer_error (at least the kind's median relative one)."""
    of_kind = {name: error for name, error in peer_error.items() if name.startswith(kind)}
    if not of_kind:
        return
    usual = statistics.median(error["relative"] for error in of_kind.values())
    for name, error in of_kind.items():
        reference = references(name).double()
        difference = (values[name].double() - reference).abs().max().item()
        yield difference / max(error["max_abs"], usual * reference.abs().max().item()), name


def spread(name):
    directory = GOLDEN / name
    document = json.loads((directory / "golden.json").read_text())
    stored = load_file(directory / "golden.safetensors")
    batches = load_file(directory / "batches.safetensors")
    golden = Golden(name)
    worst = {}
    for variant in float32_variants(MAX_TOKENS):
        for case_name, case in document["cases"].items():
            packed = stored_batch(batches, case_name)
            _, logits_BL, gradients = golden.peer(variant, **case["config"]).gradients(packed)
            values = {"logits": logits_BL} | {f"grad/{n}": g for n, g in gradients.items()}
            for kind in ("logits", "grad/"):
                found = multiples(values, lambda n: stored[f"{case_name}/reference/{n}"], case["peer_error"], kind)
                worst[kind] = max([worst.get(kind, (0, "")), *found])
        run = document["training"]["linear"]
        packed = [stored_batch(batches, batch) for batch in run["batches"]]
        result = golden.peer(variant).train(packed, TrainingOptions(**run["options"]))
        for kind in ("weight", "exp_avg", "exp_avg_sq"):
            values = {f"{kind}/{n}": tensor for n, tensor in result[kind].items()}
            found = multiples(values, lambda n: stored[f"linear/reference/{n}"], run["peer_error"], f"{kind}/")
            worst[kind] = max([worst.get(kind, (0, "")), *found])
    for kind, (multiple, where) in worst.items():
        print(f"{name:10} {kind:11} {multiple:5.2f}  {where}")


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    print("torch", torch.__version__, torch.backends.cpu.get_cpu_capability(), "threads", torch.get_num_threads())
    for model in MODELS:
        spread(model)
