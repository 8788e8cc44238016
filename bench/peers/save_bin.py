"""Saves the weights of a model directory as torch did before safetensors."""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file

parser = argparse.ArgumentParser()
parser.add_argument("--model", type=Path, required=True)
parser.add_argument("--out", type=Path, required=True)
parser.add_argument("--old", action="store_true", help="the form before PyTorch 1.6")
options = parser.parse_args()

state = load_file(options.model / "model.safetensors")
torch.save(state, options.out / "pytorch_model.bin", _use_new_zipfile_serialization=not options.old)
