"""Makes golden/lines.json: random texts with breaks of every kind, and the ids of the reference.

    pip install transformers==5.18.0 tokenizers==0.23.3 sentencepiece==0.2.3 protobuf==7.36.2
    python lines.py

Each of a few small models is combined with each rule of normalization and each way to treat spaces; the reference is
SentencePiece. For ALBERT's and XLM-RoBERTa's classes, which have their own way with spaces, it is transformers.
"""

import base64
import io
import itertools
import json
import random
import tempfile
from pathlib import Path

import sentencepiece
import tokenizers
import transformers
from sentencepiece import sentencepiece_model_pb2

import models
from generate import as_published

GOLDEN = Path(__file__).parent / "golden" / "lines.json"
SEED = 18
RULES = ["identity", "nfkc", "nfkc_cf", "nmt_nfkc", "nmt_nfkc_cf"]
BREAKS = [*"\n\t\r\v\f\x85\xa0\u1680\u2003\u200b\u2028\u2029\u3000\ufeff\u2581", "\r\n"]
WORDS = "a ab abc The the end 1 23 ﬁn Ａ ② é ß 中文 😀 x. (b) ,".split(" ")

# All models know the symbols' letters; "tagged" has them as symbols of its maker.
SYMBOLS = ["<b>", "python"]
MODELS = {
    "unigram": {"model_type": "unigram"},
    "unigram-whole": {
        "model_type": "unigram",
        "split_by_whitespace": False,
        "remove_extra_whitespaces": False,
        "allow_whitespace_only_pieces": True,
    },
    "unigram-bytes": {"model_type": "unigram", "byte_fallback": True, "vocab_size": 360},
    "unigram-tagged": {"model_type": "unigram", "user_defined_symbols": SYMBOLS},
    "bpe": {"model_type": "bpe"},
    "bpe-whole": {
        "model_type": "bpe",
        "split_by_whitespace": False,
        "remove_extra_whitespaces": False,
        "allow_whitespace_only_pieces": True,
    },
    "bpe-bytes": {"model_type": "bpe", "byte_fallback": True, "vocab_size": 360},
}
# name of the class: (options, file, model_type)
CLASSES = {
    "AlbertTokenizer": (models.ALBERT | {"vocab_size": 110}, "spiece.model", "albert"),
    "XLMRobertaTokenizer": ({"model_type": "unigram"}, "sentencepiece.bpe.model", "xlm-roberta"),
}


def random_text(rng):
    """Words, spaces and breaks in any order, also at both ends; half of the texts are mostly of one break."""
    favourite = rng.choice(BREAKS)
    parts = []
    for _ in range(rng.randint(1, 9)):
        kind = rng.random()
        if kind < 0.45:
            parts.append(rng.choice(WORDS + SYMBOLS))
        elif kind < 0.7:
            parts.append(" " * rng.choice([1, 1, 1, 2, 3]))
        else:
            parts.append(rng.choice([favourite, "\n", rng.choice(BREAKS)]))
    return "".join(parts)


def charsmap(rule, texts):
    """The part of a rule's charsmap that the texts need; the whole of it has 240 kB."""
    if rule == "identity":
        return b""
    normalize = sentencepiece.SentencePieceNormalizer(
        rule_name=rule, add_dummy_prefix=False, escape_whitespaces=False, remove_extra_whitespaces=False
    ).normalize
    table = {letter: normalize(letter) for text in texts for letter in text}
    table = {source: target for source, target in table.items() if source != target}
    model = models.train(["a b"] * 9, table, model_type="char", vocab_size=6, hard_vocab_limit=False)
    return parsed(model).normalizer_spec.precompiled_charsmap


def parsed(model):
    return sentencepiece_model_pb2.ModelProto.FromString(model)


def trained(rng, options):
    texts = [random_text(rng) for _ in range(2000)]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        normalization_rule_name="identity",
        character_coverage=1.0,
        num_threads=1,
        minloglevel=2,
        **{"vocab_size": 100, **options},
    )
    return model.getvalue()


def with_rules(model, charsmap_, extra=True, prefix=True):
    proto = parsed(model)
    proto.normalizer_spec.precompiled_charsmap = charsmap_
    proto.normalizer_spec.remove_extra_whitespaces = extra
    proto.normalizer_spec.add_dummy_prefix = prefix
    return proto.SerializeToString()


def of_class(name, model, texts):
    """The ids that transformers' class gives, without the special tokens."""
    _, file, model_type = CLASSES[name]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / file).write_bytes(model)
        (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        if name == "AlbertTokenizer":
            tokenizer.save_pretrained(folder)
            as_published(folder)
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        return [tokenizer.encode(text, add_special_tokens=False) for text in texts]


def joined(ids):
    return [" ".join(map(str, each)) for each in ids]


def main():
    rng = random.Random(SEED)
    texts = [text for each in BREAKS for text in (f"{each}a{each}b{each}", f"the {each}{each} end {each}")]
    texts += [random_text(rng) for _ in range(24)] + ["ж a 漢字 b", "aжb\nжж the"]  # not in any vocabulary
    charsmaps = {rule: charsmap(rule, texts) for rule in RULES}
    trained_models = {name: trained(rng, options) for name, options in MODELS.items()}
    trained_models |= {name: trained(rng, options) for name, (options, *_) in CLASSES.items()}
    results = []
    for name in MODELS:
        for rule, extra, prefix in itertools.product(RULES, [True, False], [True, False]):
            model = with_rules(trained_models[name], charsmaps[rule], extra, prefix)
            processor = sentencepiece.SentencePieceProcessor(model_proto=model)
            case = {"model": name, "rule": rule, "removeExtraWhitespaces": extra, "addDummyPrefix": prefix}
            results.append(case | {"ids": joined(processor.encode(text) for text in texts)})
    # The classes have no fallback to bytes, whatever the model has.
    pairs = [*((name, name) for name in CLASSES), ("XLMRobertaTokenizer", "unigram-bytes")]
    for (name, base), rule in itertools.product(pairs, RULES[1:]):
        ids = of_class(name, with_rules(trained_models[base], charsmaps[rule]), texts)
        case = {"model": base, "class": name, "rule": rule, "removeExtraWhitespaces": True, "addDummyPrefix": True}
        results.append(case | {"ids": joined(ids)})
    versions = {module.__name__: module.__version__ for module in (transformers, tokenizers, sentencepiece)}
    encoded = {name: base64.b64encode(model).decode() for name, model in trained_models.items()}
    rules = {rule: base64.b64encode(each).decode() for rule, each in charsmaps.items()}
    golden = {"versions": versions, "texts": texts, "charsmaps": rules, "models": encoded, "results": results}
    GOLDEN.write_text(json.dumps(golden).replace('{"model":', '\n{"model":') + "\n")


if __name__ == "__main__":
    main()
