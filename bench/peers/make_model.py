"""A randomly initialised BERT for multi-label classification, so that both sides start from the same weights."""

import argparse
import shutil
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

# layers, hidden size, heads: MiniLM's, BERT-base's and -large's, and some of the small BERTs' for scale
SHAPES = {
    "2x128": (2, 128, 2),
    "4x256": (4, 256, 4),
    "6x384": (6, 384, 12),
    "8x512": (8, 512, 8),
    "12x768": (12, 768, 12),
    "24x1024": (24, 1024, 16),
}

parser = argparse.ArgumentParser()
parser.add_argument("--shape", choices=SHAPES, required=True)
parser.add_argument("--vocab", required=True, help="vocab.txt of a lower-casing WordPiece tokenizer")
parser.add_argument("--labels", required=True)
parser.add_argument("--out", type=Path, required=True)
options = parser.parse_args()

torch.manual_seed(0)
layers, hidden, heads = SHAPES[options.shape]
labels = Path(options.labels).read_text(encoding="utf8").split()
vocabulary = Path(options.vocab).read_text(encoding="utf8").splitlines()
config = BertConfig(
    vocab_size=len(vocabulary),
    num_hidden_layers=layers,
    hidden_size=hidden,
    num_attention_heads=heads,
    intermediate_size=4 * hidden,
    id2label=dict(enumerate(labels)),
    label2id={label: i for i, label in enumerate(labels)},
    problem_type="multi_label_classification",
)
BertForSequenceClassification(config).save_pretrained(options.out)
shutil.copy(options.vocab, options.out / "vocab.txt")
tokens = {token: i for i, token in enumerate(vocabulary)}
BertTokenizerFast(vocab=tokens, do_lower_case=True).save_pretrained(options.out)
