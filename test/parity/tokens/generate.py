"""Makes golden/: reduced vocabularies, the cases, and what transformers makes of them.

    pip install transformers==5.18.0 tokenizers==0.23.3
    python generate.py --vocab DIR --goemotions DIR

DIR of --vocab holds bert-base-uncased/, bert-base-chinese/ (vocab.txt) and roberta-base/ (vocab.json, merges.txt) as
published; DIR of --goemotions holds train.tsv, dev.tsv and test.tsv. See README.md.
"""

import argparse
import hashlib
import json
import shutil
import struct
import tempfile
from pathlib import Path

import tokenizers
import transformers
from transformers import AutoTokenizer

from cases import CASES, LENGTHS
from peer import encode, read_texts
from variants import VARIANTS

GOLDEN = Path(__file__).parent / "golden"
MODEL_TYPES = {"bert-base-uncased": "bert", "bert-base-chinese": "bert", "roberta-base": "roberta"}
KEPT_MERGES = 1000
EXTRA = [chr(i) for i in range(33, 127)] + [f"##{chr(i)}" for i in range(97, 123)]


def load(folder, name, files=None):
    """AutoTokenizer on a folder, to which `files` are added."""
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        write_config(Path(copy), name)
        for file, content in (files or {}).items():
            Path(copy, file).write_text(json.dumps(content))
        return AutoTokenizer.from_pretrained(copy)


def write_config(folder, name):
    (folder / "config.json").write_text(json.dumps({"model_type": MODEL_TYPES[name]}))


def reduce_wordpiece(source, target, name):
    """The pieces that the cases need, cased and uncased, so that each text is cut as by the whole vocabulary."""
    texts = [part for case in CASES.values() for part in ([case] if isinstance(case, str) else case)]
    used = set(EXTRA)
    for files in [{}, {"tokenizer_config.json": {"do_lower_case": False}}]:
        tokenizer = load(source, name, files)
        for text in texts:
            used.update(tokenizer.tokenize(text))
    lines = (source / "vocab.txt").read_text(encoding="utf-8").split("\n")
    used.update(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused1]"])
    kept = [line for line in lines if line in used]
    (target / "vocab.txt").write_text("\n".join(kept) + "\n", encoding="utf-8")


def reduce_bpe(source, target):
    """The first merges, the single bytes, and the special tokens at either end."""
    vocab = json.loads((source / "vocab.json").read_text(encoding="utf-8"))
    lines = (source / "merges.txt").read_text(encoding="utf-8").split("\n")
    merges = [line for line in lines if line and not line.startswith("#version")][:KEPT_MERGES]
    tokens = {token for token in vocab if len(token) == 1} | {merge.replace(" ", "") for merge in merges}
    kept = sorted((token for token in vocab if token in tokens), key=vocab.get)
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    ids = {token: i for i, token in enumerate([*special, *kept, "<mask>"])}
    (target / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    (target / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")


def results(tokenizer):
    """By length, the longest first; None where a shorter length changes nothing."""
    by_length = {}
    previous = None
    for length in LENGTHS:
        current = encode(tokenizer, length)
        if previous is None:
            by_length[length] = current
        else:
            by_length[length] = [None if now == then else now for now, then in zip(current, previous)]
        previous = current
    return by_length


def layout(tokenizer):
    """tokenizer.json as transformers saves it, without the vocabulary."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        saved = json.loads(Path(folder, "tokenizer.json").read_text(encoding="utf-8"))
    del saved["model"]["vocab"]
    saved["model"].pop("merges", None)
    return saved


def patched_tokenizer_json(tokenizer, patch):
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        saved = json.loads(Path(folder, "tokenizer.json").read_text(encoding="utf-8"))
    return {**saved, **patch}


def stream_hash(tokenizer, path):
    """SHA-256 of the ids of every text as little-endian int32, -1 after each text."""
    digest = hashlib.sha256()
    texts = read_texts(path)
    for ids in tokenizer(texts, truncation=True, max_length=512)["input_ids"]:
        digest.update(struct.pack(f"<{len(ids) + 1}i", *ids, -1))
    return {"texts": len(texts), "sha256": digest.hexdigest()}


def write(name, value):
    # One case a line, so that a difference can be read.
    text = json.dumps(value).replace('{"ids"', '\n{"ids"')
    (GOLDEN / name).write_text(text + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vocab", type=Path, required=True)
    parser.add_argument("--goemotions", type=Path, required=True)
    arguments = parser.parse_args()
    shutil.rmtree(GOLDEN, ignore_errors=True)
    GOLDEN.mkdir()
    versions = {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__}
    write("cases.json", {"names": list(CASES), "texts": list(CASES.values()), "lengths": LENGTHS})

    goemotions = {"versions": versions}
    for name in MODEL_TYPES:
        source, target = arguments.vocab / name, GOLDEN / name
        target.mkdir()
        if name == "roberta-base":
            reduce_bpe(source, target)
        else:
            reduce_wordpiece(source, target, name)
        tokenizer = load(target, name)
        write(f"{name}.json", {"versions": versions, "layout": layout(tokenizer), "results": results(tokenizer)})
        whole = load(source, name)
        goemotions[name] = {
            split: stream_hash(whole, arguments.goemotions / f"{split}.tsv") for split in ["train", "dev", "test"]
        }
    write("goemotions.json", goemotions)

    variants = {}
    for variant, (name, files, patch) in VARIANTS.items():
        given = dict(files)
        if patch is not None:
            given["tokenizer.json"] = patched_tokenizer_json(load(GOLDEN / name, name), patch)
        tokenizer = load(GOLDEN / name, name, given)
        length = 24
        variants[variant] = {"vocab": name, "files": files, "patch": patch, "length": length}
        variants[variant]["results"] = encode(tokenizer, length)
    write("variants.json", {"versions": versions, "variants": variants})


if __name__ == "__main__":
    main()
