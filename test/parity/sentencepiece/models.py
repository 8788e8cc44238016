"""Trains the small SentencePiece models of golden/: what is in them, and by which rules they normalize."""

import io
import tempfile
import unicodedata
from pathlib import Path

import sentencepiece

# What nmt_nfkc maps to nothing and to a space, in addition to Unicode's NFKC (src/builder.cc of SentencePiece).
REMOVED = [*range(0x1, 0x9), 0xB, *range(0xE, 0x20), 0x7F, 0x8F, 0x9F]
SPACES = [0x9, 0xA, 0xC, 0xD, 0x1680, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD]


def rules(texts):
    """The rules of nmt_nfkc that the texts need: characters, and characters with the marks that follow them.

    The whole of nmt_nfkc is 240 kB; a model's charsmap has the same form with these rules alone.
    """
    table = {chr(code): "" for code in REMOVED} | {chr(code): " " for code in SPACES}
    for text in texts:
        for start, letter in enumerate(text):
            end = start + 1
            while end < len(text) and unicodedata.combining(text[end]) and end - start < 4:
                end += 1
            for source in {letter, text[start:end]}:
                target = unicodedata.normalize("NFKC", source)
                if target != source and "\0" not in source:
                    table.setdefault(source, target)
    return table


def write_rules(path, table):
    def codes(text):
        return " ".join(f"{ord(letter):X}" for letter in text)

    lines = [f"{codes(source)}\t{codes(target)}\n" for source, target in sorted(table.items())]
    path.write_text("".join(lines), encoding="utf-8")


def train(texts, table, **options):
    """A model as bytes. One thread and one order of the texts: the same bytes again."""
    model = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rules.tsv")
        write_rules(path, table)
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=model,
            normalization_rule_tsv=str(path),
            character_coverage=0.995,
            num_threads=1,
            minloglevel=2,
            **options,
        )
    return model.getvalue()


ALBERT = {
    "model_type": "unigram",
    "vocab_size": 500,
    "pad_id": 0,
    "unk_id": 1,
    "bos_id": -1,
    "eos_id": -1,
    "control_symbols": ["[CLS]", "[SEP]", "[MASK]"],
    "user_defined_symbols": ["(", ")", '"', "-", ".", "–", "£", "€"],
}
# Of these ALBERT's models get pieces such as "9,", which are all but never taken.
NUMBERS = [f"{first}9, {second}0, " * 8 for first in ("1", "2", "3,") for second in ("2", "5", "4,")] * 4
XLM_ROBERTA = {"model_type": "unigram", "vocab_size": 700}
BPE = {"model_type": "bpe", "vocab_size": 900, "byte_fallback": True}
BPE_WHOLE = {
    "model_type": "bpe",
    "vocab_size": 500,
    "byte_fallback": False,
    "remove_extra_whitespaces": False,
    "allow_whitespace_only_pieces": True,
    "split_by_whitespace": False,
    "user_defined_symbols": ["<b>", "Python3"],
}
