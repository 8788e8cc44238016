"""Writes a tiny encoder without a head, with its tokenizer, as transformers saves them.

    python make_encoder.py DIR bert|roberta|xlm-roberta|albert|distilbert|electra|ernie
"""

import sys
import tempfile
from pathlib import Path

import torch
import transformers
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    AlbertConfig,
    AlbertModel,
    BertConfig,
    BertModel,
    BertTokenizer,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    ErnieConfig,
    ErnieModel,
    RobertaConfig,
    RobertaModel,
    RobertaTokenizer,
    XLMRobertaConfig,
    XLMRobertaModel,
)

SIZES = dict(
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=64,
    initializer_range=0.3,  # logits that differ from text to text
)
SENTENCE = "the quick brown fox jumps over the lazy dog and then the cat sleeps in the sun"


def word_pieces(folder):
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + list("0123456789")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set(SENTENCE.split())), "中", "文", "!", "?", "'"]
    words += [letter for letter in letters if letter not in words] + [f"##{letter}" for letter in letters]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    return BertTokenizer.from_pretrained(folder)


def bert(folder):
    tokenizer = word_pieces(folder)
    return tokenizer, BertModel(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **SIZES))


def albert(folder):
    tokenizer = word_pieces(folder)  # as the Chinese ones have it
    config = AlbertConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=64,
        embedding_size=16,
        hidden_dropout_prob=0.1,
        tokenizer_class="BertTokenizer",
        **SIZES,
    )
    return tokenizer, AlbertModel(config)


def distilbert(folder):
    tokenizer = word_pieces(folder)
    sizes = dict(dim=32, n_layers=2, n_heads=4, hidden_dim=64, initializer_range=0.3)
    config = DistilBertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **sizes)
    return tokenizer, DistilBertModel(config)


def electra(folder):
    tokenizer = word_pieces(folder)
    sizes = dict(vocab_size=len(tokenizer), embedding_size=16, max_position_embeddings=64, **SIZES)
    return tokenizer, ElectraModel(ElectraConfig(**sizes))


def ernie(folder):
    tokenizer = word_pieces(folder)
    sizes = dict(vocab_size=len(tokenizer), use_task_id=True, max_position_embeddings=64, **SIZES)
    return tokenizer, ErnieModel(ErnieConfig(**sizes))


def byte_level(folder):
    trained = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train_from_iterator([SENTENCE], vocab_size=300, special_tokens=special)
    trained.save_model(str(folder))
    return RobertaTokenizer.from_pretrained(folder)


def roberta(folder):
    tokenizer = byte_level(folder)
    sizes = dict(vocab_size=len(tokenizer), max_position_embeddings=66, type_vocab_size=1, **SIZES)
    return tokenizer, RobertaModel(RobertaConfig(**sizes))


def xlm_roberta(folder):
    tokenizer = byte_level(folder)
    sizes = dict(vocab_size=len(tokenizer), max_position_embeddings=66, type_vocab_size=1, **SIZES)
    return tokenizer, XLMRobertaModel(XLMRobertaConfig(tokenizer_class="RobertaTokenizer", **sizes))


FAMILIES = {
    "bert": bert,
    "roberta": roberta,
    "xlm-roberta": xlm_roberta,
    "albert": albert,
    "distilbert": distilbert,
    "electra": electra,
    "ernie": ernie,
}


def main(directory, family):
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.manual_seed(7)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer, model = FAMILIES[family](Path(folder))
    tokenizer.model_max_length = 64
    tokenizer.save_pretrained(directory)
    model.save_pretrained(directory)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
