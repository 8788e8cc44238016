"""A model directory's classifier as onnx/model.onnx next to it, where transformers.js looks for it.

By the tracing exporter, with plain attention: onnxruntime runs this graph at least as fast as that of the newer
exporter.
"""

import argparse
import warnings
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification

parser = argparse.ArgumentParser()
parser.add_argument("--model", type=Path, required=True)
options = parser.parse_args()

warnings.simplefilter("ignore")
model = AutoModelForSequenceClassification.from_pretrained(options.model, attn_implementation="eager").eval()
# Padding in the example, so that the mask is traced as one.
ids = torch.tensor([[101, 2023, 2003, 102], [101, 2023, 102, 0]])
inputs = {"input_ids": ids, "attention_mask": (ids != 0).long(), "token_type_ids": torch.zeros_like(ids)}
(options.model / "onnx").mkdir()
torch.onnx.export(
    model,
    (),
    options.model / "onnx" / "model.onnx",
    kwargs=inputs,
    input_names=list(inputs),
    output_names=["logits"],
    dynamic_axes={name: {0: "batch", 1: "tokens"} for name in inputs},
    dynamo=False,
)
