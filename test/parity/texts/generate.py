"""Makes golden/: tiny models of families whose tokens are not WordPiece, and transformers' logits for texts.

    pip install -r ../engine/requirements.txt sentencepiece==0.2.3 protobuf==7.36.2 && python generate.py

The tokenizers' files are those of ../tokens and ../sentencepiece. transformers cuts the texts and computes the logits in
float64, one text at a time, without padding.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import safetensors
import tokenizers
import torch
import transformers
from transformers import (
    AlbertConfig,
    AlbertForSequenceClassification,
    AutoTokenizer,
    RobertaConfig,
    RobertaForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

PARITY = Path(__file__).parent.parent
sys.path.insert(0, str(PARITY / "sentencepiece"))
from generate import as_published  # noqa: E402

GOLDEN = Path(__file__).parent / "golden"
MAX_LENGTH = 48
LABELS = ["joy", "anger", "fear"]
TEXTS = [
    "The quick brown fox jumps over the lazy dog, and nobody minds.",
    "",
    "Ünïcödé façade, crème brûlée e\u0301 and Ångström",
    "两个猫在家 and 日本語のテスト, 한국어",
    "love 😀👍🏽 ❤️ so😀happy 👩\u200d🚀",
    "two  spaces,   three,\ttab  \n\n line ",
    "In 1999, I can't say 3,4 and 19, 20. of NASA's <mask> [MASK] </s>",
    "The cat sat on the mat and looked at the moon. " * 30,
    ["Is it raining?", "No, the sun is out."],
    ["only the first", ""],
    ["ein Satz über Füße 😀 " * 40, "二つ目の文 and its end. " * 25],
    ["short", "one two  three four five six seven eight nine ten " * 12],
]
SIZES = dict(num_hidden_layers=2, num_attention_heads=2, hidden_size=8, intermediate_size=12)
ROBERTA = dict(max_position_embeddings=MAX_LENGTH + 2, type_vocab_size=1, layer_norm_eps=1e-5, **SIZES)
# The tokenizer's folder and files, the model, its sizes.
MODELS = {
    "roberta": (
        PARITY / "tokens/golden/roberta-base",
        ["vocab.json", "merges.txt"],
        RobertaForSequenceClassification,
        RobertaConfig(**ROBERTA),
    ),
    "xlm-roberta": (
        PARITY / "sentencepiece/golden/xlm-roberta",
        ["sentencepiece.bpe.model"],
        XLMRobertaForSequenceClassification,
        XLMRobertaConfig(**ROBERTA),
    ),
    "albert": (
        PARITY / "sentencepiece/golden/albert",
        ["spiece.model"],
        AlbertForSequenceClassification,
        AlbertConfig(embedding_size=8, max_position_embeddings=MAX_LENGTH, pad_token_id=0, **SIZES),
    ),
}


def read_tokenizer(source, files, config):
    """As AutoTokenizer reads the folder that the test puts together."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as saved:
        config.save_pretrained(folder)
        for file in files:
            shutil.copy(source / file, folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        if config.model_type != "albert":
            return tokenizer
        tokenizer.save_pretrained(saved)
        config.save_pretrained(saved)
        as_published(Path(saved))
        return AutoTokenizer.from_pretrained(saved)


def make_model(model_class, config, generator):
    """Weights under which every id, position and type shows in the logits."""
    model = model_class(config)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            noise = torch.randn(tensor.shape, generator=generator)
            tensor.copy_(1 + 0.2 * noise if name.lower().endswith("norm.weight") else 0.4 * noise)
    return model


def generate(name, seed):
    source, files, model_class, config = MODELS[name]
    tokenizer = read_tokenizer(source, files, config)
    config.vocab_size = len(tokenizer)
    config.id2label = dict(enumerate(LABELS))
    config.label2id = {label: i for i, label in enumerate(LABELS)}
    model = make_model(model_class, config, torch.Generator().manual_seed(seed))
    model.save_pretrained(GOLDEN / name)
    model.double().eval()
    # What transformers 5 makes of a bare spiece.model leaves them out; see ../sentencepiece/README.md.
    types = {"return_token_type_ids": True} if name == "albert" else {}
    logits, lengths = [], []
    with torch.no_grad():
        for text in TEXTS:
            # In lists: given by itself, an empty second text is as none to transformers.
            pair = [[part] for part in ([text] if isinstance(text, str) else text)]
            encoded = tokenizer(*pair, truncation="longest_first", max_length=MAX_LENGTH, return_tensors="pt", **types)
            lengths.append(encoded["input_ids"].shape[1])
            logits.append(model(**encoded).logits[0].tolist())
    assert lengths.count(MAX_LENGTH) >= 3 and min(lengths) < 6, lengths
    print(name, config.vocab_size, lengths)
    return {"files": files, "source": str(source.relative_to(PARITY)), "logits": logits}


def main():
    shutil.rmtree(GOLDEN, ignore_errors=True)
    GOLDEN.mkdir()
    modules = (torch, transformers, tokenizers, safetensors)
    document = {
        "versions": {module.__name__: module.__version__ for module in modules},
        "texts": TEXTS,
        "models": {name: generate(name, seed) for seed, name in enumerate(MODELS)},
    }
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (GOLDEN / "golden.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
