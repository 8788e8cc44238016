"""Hugging Face tokenizers in Python: whole lists in its batch call that leaves offsets out, its fastest."""

from pathlib import Path

import tokenizers
from measure import seconds
from serve import serve, settings

tokenizer = tokenizers.Tokenizer.from_file(str(Path(settings["model"], "tokenizer.json")))
tokenizer.enable_truncation(settings["maxLength"])


def encode(texts):
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]


serve(
    {"versions": {"tokenizers": tokenizers.__version__}},
    ids=lambda asked: {"ids": encode(asked["texts"])},
    throughput=lambda asked: {"seconds": seconds(lambda: encode(asked["texts"]))},
)
