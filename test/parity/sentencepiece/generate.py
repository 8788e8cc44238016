"""Makes golden/: small SentencePiece models, and the ids that they give.

    pip install transformers==5.18.0 tokenizers==0.23.3 sentencepiece==0.2.3 protobuf==7.36.2
    python generate.py --goemotions DIR

DIR holds GoEmotions' train.tsv, which the models are trained on in addition to the cases. See README.md.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import sentencepiece
import tokenizers
import transformers
from transformers import AutoTokenizer
from transformers.convert_slow_tokenizer import check_number_comma

import models
import reference

sys.path.append(str(Path(__file__).parent.parent / "tokens"))
from cases import CASES  # noqa: E402

GOLDEN = Path(__file__).parent / "golden"
LENGTHS = [512, 24]
UNCUT = 100_000
MORE = {
    "quotes of two": "``quoted'' and `single' ''",
    "numbers and commas": "In 1999, 2,000, 3,4 and 19, 20.",
    "marks of words": "a\u2581b \u2581 \u2581\u2581c \u2581d",
    "spaces at the end": "two at the end  ",
    "symbols of the maker": "a <b> c<b>d xPython3y Python3",
    "full width and ligatures": "ＡＢＣ １２３ ﬁn ﬂow Ⅷ ㎏ ｶﾞ ①",
    "bytes": "<0x41> 中文字 😀 \u0f00",
}
ALL_CASES = CASES | MORE

# name: (file, options of the trainer, model_type, tokenizer_config.json)
MODELS = {
    "albert": ("spiece.model", models.ALBERT, "albert", None),
    "albert-cased": (
        "spiece.model",
        models.ALBERT,
        "albert",
        {"do_lower_case": False, "keep_accents": True, "tokenizer_class": "AlbertTokenizer"},
    ),
    "xlm-roberta": ("sentencepiece.bpe.model", models.XLM_ROBERTA, "xlm-roberta", None),
    "bpe": ("tokenizer.model", models.BPE, "roberta", {"tokenizer_class": "PreTrainedTokenizerFast"}),
    "bpe-whole": ("tokenizer.model", models.BPE_WHOLE, "roberta", {"tokenizer_class": "PreTrainedTokenizerFast"}),
}


def corpus(goemotions):
    lines = (goemotions / "train.tsv").read_text(encoding="utf-8").split("\n")[:4000]
    parts = [part for case in ALL_CASES.values() for part in ([case] if isinstance(case, str) else case)]
    plain = [part.replace("\n", " ").replace("\0", " ").strip() for part in parts]
    return [line.split("\t")[0] for line in lines] + [part for part in plain if 0 < len(part) < 700] * 2, parts


def transformers_results(folder, is_albert):
    """By length."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with tempfile.TemporaryDirectory() as saved:
        if is_albert:
            tokenizer.save_pretrained(saved)
            shutil.copy(folder / "config.json", saved)
            as_published(Path(saved))
            tokenizer = AutoTokenizer.from_pretrained(saved)
        return {length: [encode(tokenizer, case, length) for case in ALL_CASES.values()] for length in LENGTHS}


def as_published(folder):
    """What the published tokenizer.json of ALBERT has, made by transformers 4, and version 5 leaves out.

    A number with a comma scores 100 less, and the symbols of the model's maker, such as ".", are pieces as others are.
    """
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["model"]["vocab"] = [[p, s if check_number_comma(p) else s - 100] for p, s in content["model"]["vocab"]]
    content["added_tokens"] = [token for token in content["added_tokens"] if token["special"]]
    path.write_text(json.dumps(content), encoding="utf-8")
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    del config["extra_special_tokens"]
    path.write_text(json.dumps(config), encoding="utf-8")


def encode(tokenizer, case, length):
    texts = [[case]] if isinstance(case, str) else [[case[0]], [case[1]]]
    output = tokenizer(*texts, truncation="longest_first", max_length=length, padding=False)
    return {"ids": output["input_ids"][0]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--goemotions", type=Path, required=True)
    arguments = parser.parse_args()
    shutil.rmtree(GOLDEN, ignore_errors=True)
    GOLDEN.mkdir()
    texts, parts = corpus(arguments.goemotions)
    table = models.rules(parts)
    versions = {module.__name__: module.__version__ for module in (transformers, tokenizers, sentencepiece)}
    cases = {"names": list(ALL_CASES), "texts": list(ALL_CASES.values()), "lengths": LENGTHS}
    (GOLDEN / "cases.json").write_text(json.dumps(cases) + "\n")
    trained = {}
    for name, (file, options, model_type, config) in MODELS.items():
        folder = GOLDEN / name
        folder.mkdir()
        key = json.dumps(options)
        more = models.NUMBERS if name.startswith("albert") else []
        trained[key] = trained.get(key) or models.train(texts + more, table, **options)
        (folder / file).write_bytes(trained[key])
        if name.startswith("albert"):
            pieces = sentencepiece.SentencePieceProcessor(model_proto=trained[key])
            numbers = [pieces.id_to_piece(i) for i in range(len(pieces)) if not check_number_comma(pieces.id_to_piece(i))]
            assert numbers, "without a piece such as 9, no case shows how a number and a comma are cut"
        (folder / "config.json").write_text(json.dumps({"model_type": model_type}) + "\n")
        if config is not None:
            (folder / "tokenizer_config.json").write_text(json.dumps(config) + "\n")
        golden = {"versions": versions}
        own = reference.results(folder / file, name, config or {}, ALL_CASES)
        if name.startswith("bpe"):
            golden["results"] = {UNCUT: [{"ids": ids} for ids in own]}
        else:
            golden["results"] = transformers_results(folder, name.startswith("albert"))
            rows = zip(ALL_CASES, own, golden["results"][LENGTHS[0]])
            unlike = [case for case, ids, theirs in rows if len(ids) <= LENGTHS[0] and ids != theirs["ids"]]
            print(f"{name}: transformers and SentencePiece differ in {', '.join(unlike)}")
        text = json.dumps(golden).replace('{"ids"', '\n{"ids"')
        (GOLDEN / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
