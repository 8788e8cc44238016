"""Makes the golden values in golden/: tiny random models, batches, and what transformers computes with them.

    pip install -r requirements.txt && python generate.py [MODEL…]

Without names it makes all of them.
Every value is computed in float64 (the reference, rounded once to float32 when it is stored) and by several float32
runs that differ in rounding only. How far those stray from the reference is `peer_error`, from which the test derives
its tolerances. See ../README.md.
"""

import dataclasses
import json
import platform
import re
import shutil
import sys
from pathlib import Path

import numpy
import safetensors
import torch
import transformers
from safetensors.torch import load_file, save_file

from models import HEADS, HEAD_STD, MAX_TOKENS, MODELS, OUTLETS, RATES, SMALL_MODELS
from peer import FLOAT32, REFERENCE, Packed, Peer, TrainingOptions, Variant, float32_variants, schedule_rates

GOLDEN = Path(__file__).parent / "golden"
FIRST_WORD = 5  # ids below are the special tokens
STEPS = 20


def random_state(model_class, config, head_std, generator):
    """Weights under which no gradient is trivial: norm weights about 1, biases not 0."""
    state = {}
    for name, tensor in model_class._from_config(config).named_parameters():
        noise = torch.randn(tensor.shape, generator=generator)
        if name.lower().endswith("norm.weight"):
            state[name] = 1 + 0.2 * noise
        elif name.endswith("bias"):
            state[name] = 0.1 * noise
        else:
            state[name] = (head_std if name in HEADS else 0.2) * noise
    return state


def random_batch(config, lengths, generator, window=None):
    """Ragged texts; every other one is a pair where the model knows pairs. `window` = (first id, number of ids)."""
    words = config.vocab_size - FIRST_WORD - 3  # the last three ids never occur, so their rows only decay
    first, span = window or (0, words)
    ids, types = [], []
    for row, length in enumerate(lengths):
        drawn = torch.randint(span, (length,), generator=generator)
        ids.append(FIRST_WORD + (first + drawn) % words)
        split = length // 2 if row % 2 and getattr(config, "type_vocab_size", 0) > 1 else length
        types.append((torch.arange(length) >= split).long())
    labels_BL = (torch.rand(len(lengths), config.num_labels, generator=generator) < 0.4).float()
    labels_BL[0] = 0  # a text without any label
    if len(lengths) > 3:
        labels_BL[3] = 1
    return Packed(
        torch.cat(ids), torch.cat(types), torch.tensor([0] + list(lengths)).cumsum(0), labels_BL
    )


def error(value, reference):
    """-> {max_abs, relative}; relative is to the largest magnitude in the reference."""
    reference = torch.as_tensor(reference, dtype=torch.float64)
    largest = reference.abs().max().item()
    max_abs = (torch.as_tensor(value).double() - reference).abs().max().item()
    return {"max_abs": max_abs, "relative": max_abs / largest if largest > 0 else 0.0}


def worst(errors):
    return {key: float(f"{max(e[key] for e in errors):.3g}") for key in ("max_abs", "relative")}


class Golden:
    """Collects the values of one model."""

    def __init__(self, name):
        self.model_class, self.config = MODELS[name]
        self.directory = GOLDEN / name
        self.generator = torch.Generator().manual_seed(20 + list(MODELS).index(name))
        self.state = random_state(self.model_class, self.config, HEAD_STD[name], self.generator)
        self.tensors = {}
        self.batches = {}
        self.json = {"model": name, "versions": versions(), "cases": {}, "training": {}}

    def peer(self, variant, **changes):
        config = self.model_class.config_class.from_dict({**self.config.to_dict(), **changes})
        names = dict(self.model_class._from_config(config).named_parameters())
        return Peer(self.model_class, config, {n: self.state[n] for n in names}, variant)

    def batch(self, name, lengths, window=None):
        packed = random_batch(self.config, lengths, self.generator, window)
        self.keep_batch(name, packed)
        return packed

    def keep_batch(self, name, packed):
        self.batches[f"{name}/ids"] = packed.ids_T.int()
        self.batches[f"{name}/token_types"] = packed.types_T.int()
        self.batches[f"{name}/cu_seqlens"] = packed.cu_seqlens.int()
        self.batches[f"{name}/labels"] = packed.labels_BL.float()
        if packed.mask_BL is not None:
            self.batches[f"{name}/label_mask"] = packed.mask_BL.float()

    def case(self, name, packed, keep=lambda tensor: True, keep_float32=True, **changes):
        """Logits, loss and gradients of one batch. `changes` are to the config, with the same weights."""
        loss64, logits64_BL, gradients64 = self.peer(REFERENCE, **changes).gradients(packed)
        reference = {"logits": logits64_BL} | {f"grad/{n}": g for n, g in gradients64.items()}
        runs = []
        for variant in float32_variants(MAX_TOKENS):
            loss, logits_BL, gradients = self.peer(variant, **changes).gradients(packed)
            runs.append((loss, {"logits": logits_BL} | {f"grad/{n}": g for n, g in gradients.items()}))
        kept = [n for n in reference if keep(n)]
        for n in kept:
            self.tensors[f"{name}/reference/{n}"] = reference[n].float()
            if keep_float32:
                self.tensors[f"{name}/transformers/{n}"] = runs[0][1][n].clone()
        self.json["cases"][name] = {
            "config": changes,
            "loss": scalar(loss64, [loss for loss, _ in runs]),
            "peer_error": {n: worst([error(tensors[n], reference[n]) for _, tensors in runs]) for n in kept},
        }

    def train(self, name, options, batch_names, batches, keep=lambda tensor: True, keep_float32=True):
        """An optimizer run; moments are kept as the reference only, to spare room."""
        reference = self.peer(REFERENCE).train(batches, options)
        runs = [self.peer(variant).train(batches, options) for variant in float32_variants(MAX_TOKENS)]
        peer_error = {}
        for kind in ("weight", "exp_avg", "exp_avg_sq"):
            for n, tensor in reference[kind].items():
                if not keep(f"{kind}/{n}"):
                    continue
                peer_error[f"{kind}/{n}"] = worst([error(run[kind][n], tensor) for run in runs])
                self.tensors[f"{name}/reference/{kind}/{n}"] = tensor.float()
                if kind == "weight" and keep_float32:
                    self.tensors[f"{name}/transformers/{kind}/{n}"] = runs[0][kind][n]
        self.json["training"][name] = {
            "options": dataclasses.asdict(options),
            "batches": batch_names,
            "learning_rates": reference["learning_rates"],
            "losses": scalar(reference["losses"], [run["losses"] for run in runs]),
            "grad_norms": scalar(reference["grad_norms"], [run["grad_norms"] for run in runs]),
            "peer_error": peer_error,
        }
        return reference

    def write(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        model = self.peer(FLOAT32).model
        self.json["decays"] = [n for n in self.state if n in self.peer(FLOAT32).decaying()]
        model.save_pretrained(self.directory)
        for file, tensors in (("batches", self.batches), ("golden", self.tensors)):
            save_file({n: t.contiguous() for n, t in tensors.items()}, self.directory / f"{file}.safetensors")
        (self.directory / "golden.json").write_text(compact_json(self.json))


def scalar(reference, runs):
    """A number, or one for each step; errors are the largest of all steps and runs."""
    return {"reference": reference, "transformers": runs[0], "peer_error": worst([error(r, reference) for r in runs])}


def compact_json(document):
    """Indented, but each list or object of plain values on one line."""
    text = json.dumps(document, indent=1)
    return re.sub(r"[\[{][^\[\]{}]*[\]}]", lambda match: re.sub(r"\s*\n\s*", " ", match[0]), text) + "\n"


def versions():
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "numpy": numpy.__version__,
        "safetensors": safetensors.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }


def generate(name):
    golden = Golden(name)
    config = golden.config
    longest = config.max_position_embeddings - (2 if config.model_type.endswith("roberta") else 0)

    small = name in SMALL_MODELS

    packed = golden.batch("eval", [7, 2, longest, 1, 13, 18, 5])
    golden.case("eval", packed, keep_float32=not small)

    # The id of the padding token may stand in a text: transformers gives its word embedding no gradient, and RoBERTa
    # does not count it as a position.
    packed = golden.batch("padding_id", [6, 9, 4])
    packed.ids_T[[2, 8, 9, 14]] = config.pad_token_id
    golden.keep_batch("padding_id", packed)
    golden.case("padding_id", packed, keep=lambda n: n == "logits" or "embeddings" in n, keep_float32=False)

    if name == "albert":
        packed = golden.batch("one_group", [9, 4, 12])
        shared = dict(num_hidden_groups=1, inner_group_num=1, num_hidden_layers=3)
        golden.case("one_group", packed, keep_float32=False, **shared)

    if name == "bert-odd":
        packed = golden.batch("accumulation", [11, 3, 8, 16, 2, 9, 21, 5, 7, 12])
        golden.case("accumulation", packed, keep_float32=False)
        packed = golden.batch("mask", [4, 12, 9, 6, 15])
        mask_BL = (torch.rand(packed.labels_BL.shape, generator=golden.generator) < 0.7).float()
        mask_BL[2] = 0  # nothing is known of one text
        packed = dataclasses.replace(packed, mask_BL=mask_BL)
        golden.keep_batch("mask", packed)
        golden.case("mask", packed, keep_float32=False)
        for activation in ("gelu", "relu", "silu"):
            packed = golden.batch(activation, [5, 14, 8])
            golden.case(
                activation,
                packed,
                keep=lambda n: n == "logits" or "intermediate" in n or "embeddings" in n,
                keep_float32=False,
                hidden_act=activation,
                num_hidden_layers=1,
            )

    batches, names = [], []
    for step in range(STEPS):
        rows = 3 + step % 4
        lengths = torch.randint(1, 21, (rows,), generator=golden.generator).tolist()
        names.append(f"step_{step:02}")
        # The window of ids moves, so that rows of the embedding rest for a while and come back, or do not.
        batches.append(golden.batch(names[-1], lengths, window=(2 * step, 14)))
    keep = (lambda n: n.startswith("weight/")) if small else (lambda n: True)
    run = golden.train("linear", TrainingOptions(total_steps=STEPS), names, batches, keep, keep_float32=not small)
    clipped = [norm > 1 for norm in run["grad_norms"]]
    assert any(clipped) and not all(clipped), f"{name}: clip some steps, not all: {run['grad_norms']}"
    for schedule in () if small else ("cosine", "constant"):
        options = TrainingOptions(schedule=schedule, warmup_steps=3, total_steps=12, max_grad_norm=0.0)
        golden.train(schedule, options, names[:12], batches[:12], keep=lambda n: False)
    golden.write()
    print(name, "grad norms", [round(norm, 2) for norm in run["grad_norms"]])


def outlet_of(name):
    """The place of dropout that reaches the logits through this tensor, if any."""
    places = {end: place for place, ends in OUTLETS.items() for end in ends}
    ends = [end for end in places if re.search(rf"{re.escape(end)}(\.weight|\.bias)?$", name)]
    return places[max(ends, key=len)] if ends else None  # output.dense ends attention.output.dense as well


def generate_dropout():
    """Whether transformers drops anything at each place, found out by running it: there alone, twice, in training."""
    document = {}
    for name in MODELS:
        golden = Golden(name)
        state = load_file(GOLDEN / name / "model.safetensors")
        rates = {kind: next(k for k in keys if hasattr(golden.config, k)) for kind, keys in RATES.items()}
        packed = random_batch(golden.config, [5, 9, 3], torch.Generator().manual_seed(1))
        document[name] = {}
        for site, kind, outlet in [
            ("embeddings", "hidden", "embeddings"),
            ("probabilities", "probabilities", "attention_output"),
            ("attention_output", "hidden", "attention_output"),
            ("output", "hidden", "output"),
            ("head", "head", "embeddings"),
        ]:
            zeroed = [n for n in state if outlet_of(n) not in (None, outlet)]
            changed = {n: torch.zeros_like(t) if n in zeroed else t for n, t in state.items()}
            changes = {rates[kind]: 0.5}
            config = type(golden.config).from_dict({**golden.config.to_dict(), **changes})
            peer = Peer(golden.model_class, config, changed, Variant("eager", attention="eager"))
            torch.manual_seed(1)
            (_, first), (_, second) = peer.forward(packed), peer.forward(packed)
            document[name][site] = {"config": changes, "zeroed": zeroed, "drops": not torch.equal(first, second)}
    (GOLDEN / "dropout.json").write_text(compact_json({"versions": versions(), "models": document}))


def generate_schedules():
    """Rates at the corners: no warm-up, nothing but warm-up, one step."""
    shapes = [("linear", 0, 7), ("linear", 7, 7), ("linear", 3, 11), ("linear", 0, 1), ("linear", 1, 1)]
    shapes += [("cosine", 0, 7), ("cosine", 2, 9), ("cosine", 5, 5), ("constant", 0, 3), ("constant", 4, 6)]
    rows = []
    for schedule, warmup_steps, total_steps in shapes:
        options = TrainingOptions(
            learning_rate=3e-5, schedule=schedule, warmup_steps=warmup_steps, total_steps=total_steps
        )
        rows.append({"options": dataclasses.asdict(options), "learning_rates": schedule_rates(options, total_steps)})
    document = {"versions": versions(), "schedules": rows}
    (GOLDEN / "schedules.json").write_text(compact_json(document))


if __name__ == "__main__":
    torch.set_num_threads(1)
    GOLDEN.mkdir(exist_ok=True)
    for model in sys.argv[1:] or MODELS:
        generate(model)
    generate_schedules()
    generate_dropout()
