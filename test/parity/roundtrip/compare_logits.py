"""Prints what transformers makes of a saved model: its logits in float32, as JSON.

    python compare_logits.py DIR TEXTS.json

TEXTS.json is a list; an entry is a text, or a pair of texts as a list of two. The output is
{"versions", "labels", "max_length", "problem_type", "token_ids": [[id]], "logits": [[value of each label]]}.
Texts run one at a time, without padding.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoTokenizer


def answer(directory, texts):
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    model, loading = AutoModelForSequenceClassification.from_pretrained(
        directory, local_files_only=True, dtype=torch.float32, output_loading_info=True
    )
    missing, unexpected = sorted(loading["missing_keys"]), sorted(loading["unexpected_keys"])
    if missing or unexpected:
        sys.exit(f"{directory}: weights missing: {missing}; weights that the model does not know: {unexpected}")
    # finetag truncates to its own max length, which finetag.json keeps.
    saved = Path(directory) / "finetag.json"
    max_length = json.loads(saved.read_text())["maxLength"] if saved.exists() else tokenizer.model_max_length
    token_ids, logits = [], []
    model.eval()
    with torch.no_grad():
        for entry in texts:
            pair = [entry] if isinstance(entry, str) else entry
            encoded = tokenizer(*pair, truncation=True, max_length=max_length, return_tensors="pt")
            token_ids.append(encoded["input_ids"][0].tolist())
            logits.append(model(**encoded).logits[0].tolist())
    labels = [model.config.id2label[i] for i in range(model.config.num_labels)]
    return {
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "labels": labels,
        "max_length": max_length,
        "problem_type": model.config.problem_type,
        "token_ids": token_ids,
        "logits": logits,
    }


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    json.dump(answer(sys.argv[1], json.loads(Path(sys.argv[2]).read_text())), sys.stdout)
