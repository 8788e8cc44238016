"""Hugging Face Trainer on GoEmotions' layout (text, label ids, id; tab-separated, no header, no quoting).

Fine-tunes with exactly the settings it is given and prints one JSON line: the wall time of Trainer.train(),
real tokens (padding not counted), peak memory, and metrics of the evaluation file at threshold 0.5.
"""

import argparse
import json
import tempfile
import time

import numpy as np
import sklearn.metrics as sk
import torch
import transformers
from measure import peak_mb, seconds
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--train", required=True)
parser.add_argument("--labels", required=True)
parser.add_argument("--eval")
parser.add_argument("--rows", type=int)
parser.add_argument("--epochs", type=float, default=1)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--max-length", type=int, default=128)
parser.add_argument("--learning-rate", type=float, default=5e-5)
parser.add_argument("--warmup-ratio", type=float, default=0.1)
parser.add_argument("--weight-decay", type=float, default=0.01)
parser.add_argument("--seed", type=int, default=42)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--group-by-length", action="store_true")
parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
parser.add_argument("--precision", choices=["float32", "bf16"], default="float32")
parser.add_argument("--warm-steps", type=int, default=0, help="steps before `timed_seconds` begins")
options = parser.parse_args()

torch.set_num_threads(options.threads)
names = open(options.labels, encoding="utf8").read().split()
tokenizer = AutoTokenizer.from_pretrained(options.model)


def read(path, rows=None):
    texts, targets = [], []
    with open(path, encoding="utf8", newline="\n") as file:
        for number, line in enumerate(file):
            if rows is not None and number == rows:
                break
            text, ids, _ = line.rstrip("\n").split("\t")
            target = np.zeros(len(names), np.float32)
            target[[int(i) for i in ids.split(",")]] = 1
            texts.append(text)
            targets.append(target)
    ids = tokenizer(texts, truncation=True, max_length=options.max_length)["input_ids"]
    return [
        {"input_ids": i, "attention_mask": [1] * len(i), "labels": t, "length": len(i)}
        for i, t in zip(ids, targets)
    ]


def collate(rows):
    batch = tokenizer.pad(
        [{"input_ids": r["input_ids"], "attention_mask": r["attention_mask"]} for r in rows], return_tensors="pt"
    )
    batch["labels"] = torch.from_numpy(np.stack([r["labels"] for r in rows]))
    return batch


def scores(output):
    p = 1 / (1 + np.exp(-output.predictions.astype(np.float64)))
    y = output.label_ids.astype(int)
    defined = [j for j in range(y.shape[1]) if 0 < y[:, j].sum() < len(y)]
    f1 = {kind + "_f1": sk.f1_score(y, p > 0.5, average=kind, zero_division=0) for kind in ("micro", "macro")}
    return {**f1, "roc_auc_macro": float(np.mean([sk.roc_auc_score(y[:, j], p[:, j]) for j in defined]))}


class Laps(TrainerCallback):
    """When each step had ended, as the host sees it: Trainer reads the loss of each."""

    def __init__(self):
        self.times = []

    def on_step_end(self, *_, **__):
        self.times.append(time.perf_counter())


torch.manual_seed(options.seed)
model = AutoModelForSequenceClassification.from_pretrained(
    options.model,
    num_labels=len(names),
    problem_type="multi_label_classification",
    ignore_mismatched_sizes=True,
)
rows = read(options.train, options.rows)
with tempfile.TemporaryDirectory() as folder:
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            folder,
            num_train_epochs=options.epochs,
            per_device_train_batch_size=options.batch_size,
            per_device_eval_batch_size=options.batch_size,
            learning_rate=options.learning_rate,
            warmup_steps=options.warmup_ratio,
            weight_decay=options.weight_decay,
            seed=options.seed,
            use_cpu=options.device == "cpu",
            bf16=options.precision == "bf16",
            save_strategy="no",
            report_to=[],
            logging_steps=10**9,
            disable_tqdm=True,
            remove_unused_columns=False,
            **({"train_sampling_strategy": "group_by_length"} if options.group_by_length else {}),
        ),
        train_dataset=rows,
        eval_dataset=read(options.eval) if options.eval else None,
        data_collator=collate,
        compute_metrics=scores,
        callbacks=[laps := Laps()],
    )
    duration = seconds(trainer.train)
    tokens = sum(r["length"] for r in rows)
    result = {
        "seconds": duration,
        "tokens": tokens,
        "samples_per_second": len(rows) * options.epochs / duration,
        "tokens_per_second": tokens * options.epochs / duration,
        "loss": trainer.state.log_history[-1].get("train_loss"),
    }
    if options.warm_steps:
        result["timed_seconds"] = laps.times[-1] - laps.times[options.warm_steps - 1]
    if options.eval:
        result["eval"] = {k.removeprefix("eval_"): v for k, v in trainer.evaluate().items()}
result["peak_rss_mb"] = peak_mb()
result["versions"] = {"torch": torch.__version__, "transformers": transformers.__version__}
print(json.dumps(result))
