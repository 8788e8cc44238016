"""Makes tiny models in the formats that people have them in, and what transformers makes of each.

    pip install -r requirements.txt && python generate.py

The TensorFlow checkpoints are written by TensorFlow, under the names of google-research/bert and google-research/albert,
and read by transformers' own converters; transformers 4.49 is the last line of versions that has them. What those give
is in `bert-tf.safetensors` and `albert-tf.safetensors`; the logits of the model are in `golden.json`, from float64.
The files in shards and in half precision are of the same BERT, saved by `save_pretrained` and read by `from_pretrained`.
"""

import copy
import json
import os
import shutil
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import numpy
import safetensors
import tensorflow as tf
import torch
import transformers
from safetensors.torch import save_file
from transformers import (
    AlbertConfig,
    AlbertForPreTraining,
    AlbertForSequenceClassification,
    BertConfig,
    BertForPreTraining,
    BertForSequenceClassification,
    BertTokenizer,
)
from transformers.models.albert.modeling_albert import load_tf_weights_in_albert
from transformers.models.bert.modeling_bert import load_tf_weights_in_bert

HERE = Path(__file__).parent
LABELS = 3
WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] the quick brown fox jump ##s over a lazy dog 中 文 ! ?".split()
TEXTS = ["the quick brown fox", "a dog jumps over the lazy fox!", "中文?", "", ["the fox", "a lazy dog"]]

# What Google's archives say of their models: no model_type, no labels.
BERT = dict(
    attention_probs_dropout_prob=0.1,
    directionality="bidi",
    hidden_act="gelu",
    hidden_dropout_prob=0.1,
    hidden_size=16,
    initializer_range=0.02,
    intermediate_size=24,
    max_position_embeddings=20,
    num_attention_heads=2,
    num_hidden_layers=2,
    pooler_type="first_token_transform",
    type_vocab_size=2,
    vocab_size=len(WORDS),
)
ALBERT = dict(
    attention_probs_dropout_prob=0,
    hidden_act="gelu",
    hidden_dropout_prob=0,
    embedding_size=8,
    hidden_size=16,
    initializer_range=0.02,
    intermediate_size=24,
    max_position_embeddings=20,
    num_attention_heads=2,
    num_hidden_layers=3,
    num_hidden_groups=1,
    net_structure_type=0,
    gap_size=0,
    num_memory_blocks=0,
    inner_group_num=1,
    down_scale_factor=1,
    type_vocab_size=2,
    vocab_size=len(WORDS),
)
# The first group runs three times, the second twice.
ALBERT_GROUPS = {**ALBERT, "num_hidden_layers": 5, "num_hidden_groups": 2, "inner_group_num": 2}


def dense(name, rows, columns):
    return {f"{name}/kernel": (rows, columns), f"{name}/bias": (columns,)}


def norm(name, size):
    return {f"{name}/gamma": (size,), f"{name}/beta": (size,)}


def tables(size, config):
    return {
        "bert/embeddings/word_embeddings": (config["vocab_size"], size),
        "bert/embeddings/position_embeddings": (config["max_position_embeddings"], size),
        "bert/embeddings/token_type_embeddings": (config["type_vocab_size"], size),
        **norm("bert/embeddings/LayerNorm", size),
    }


def heads(hidden, size, config):
    """Those of run_pretraining.py; of run_classifier.py's, see HEAD."""
    return {
        **dense("bert/pooler/dense", hidden, hidden),
        **dense("cls/predictions/transform/dense", hidden, size),
        **norm("cls/predictions/transform/LayerNorm", size),
        "cls/predictions/output_bias": (config["vocab_size"],),
        "cls/seq_relationship/output_weights": (2, hidden),
        "cls/seq_relationship/output_bias": (2,),
    }


def bert_shapes(config):
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    shapes = {**tables(hidden, config), **heads(hidden, hidden, config)}
    for i in range(config["num_hidden_layers"]):
        layer = f"bert/encoder/layer_{i}"
        for part in ("query", "key", "value"):
            shapes |= dense(f"{layer}/attention/self/{part}", hidden, hidden)
        shapes |= dense(f"{layer}/attention/output/dense", hidden, hidden)
        shapes |= norm(f"{layer}/attention/output/LayerNorm", hidden)
        shapes |= dense(f"{layer}/intermediate/dense", hidden, inner)
        shapes |= dense(f"{layer}/output/dense", inner, hidden)
        shapes |= norm(f"{layer}/output/LayerNorm", hidden)
    return shapes


def albert_shapes(config):
    hidden, inner, size = config["hidden_size"], config["intermediate_size"], config["embedding_size"]
    shapes = {**tables(size, config), **heads(hidden, size, config)}
    shapes |= dense("bert/encoder/embedding_hidden_mapping_in", size, hidden)
    for group in range(config["num_hidden_groups"]):
        for inner_group in range(config["inner_group_num"]):
            layer = f"bert/encoder/transformer/group_{group}/inner_group_{inner_group}"
            for part in ("query", "key", "value"):
                shapes |= dense(f"{layer}/attention_1/self/{part}", hidden, hidden)
            shapes |= dense(f"{layer}/attention_1/output/dense", hidden, hidden)
            shapes |= norm(f"{layer}/LayerNorm", hidden)
            shapes |= dense(f"{layer}/ffn_1/intermediate/dense", hidden, inner)
            shapes |= dense(f"{layer}/ffn_1/intermediate/output/dense", inner, hidden)
            shapes |= norm(f"{layer}/LayerNorm_1", hidden)
    return shapes


def values(shapes, seed):
    random = numpy.random.default_rng(seed)
    made = {}
    for name, shape in shapes.items():
        noise = random.standard_normal(shape)
        scale, mean = (0.2, 1.0) if name.endswith("/gamma") else (0.3, 0.0)
        made[name] = (mean + scale * noise).astype(numpy.float32)
    return made


def save_shards(prefix, shards):
    """As a sharded Saver: each shard by itself, then one index over all."""
    parts = []
    for i, variables in enumerate(shards):
        parts.append(f"{prefix}_temp/part-{i:05}-of-{len(shards):05}")
        names = list(variables)
        tensors = [tf.convert_to_tensor(variables[name]) for name in names]
        tf.raw_ops.SaveV2(prefix=parts[-1], tensor_names=names, shape_and_slices=[""] * len(names), tensors=tensors)
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=str(prefix), delete_old_dirs=True)


def fresh_folder(name):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    return folder


def put_together(pretraining, classifier, head):
    encoder = {k: v for k, v in pretraining.state_dict().items() if k.startswith(classifier.base_model_prefix + ".")}
    missing, unexpected = classifier.load_state_dict(encoder, strict=False)
    assert missing == ["classifier.weight", "classifier.bias"] and not unexpected, (missing, unexpected)
    with torch.no_grad():
        classifier.classifier.weight.copy_(torch.from_numpy(head["output_weights"]))
        classifier.classifier.bias.copy_(torch.from_numpy(head["output_bias"]))


def write_tensors(name, pretraining, classifier):
    """The weights of both heads."""
    state = {**pretraining.state_dict(), **classifier.state_dict()}
    # The decoder's weight is the word embedding, its bias the other one of that name.
    state = {k: v.contiguous() for k, v in state.items() if ".decoder." not in k and "position_ids" not in k}
    save_file(state, HERE / f"{name}.safetensors", metadata={"format": "pt"})


def logits_of(classifier, folder):
    tokenizer = BertTokenizer(folder / "vocab.txt")
    classifier = copy.deepcopy(classifier).double().eval()
    logits = []
    with torch.no_grad():
        for text in TEXTS:
            pair = [text] if isinstance(text, str) else text
            logits.append(classifier(**tokenizer(*pair, return_tensors="pt")).logits[0].tolist())
    return logits


def bert(head):
    folder = fresh_folder("bert-tf")
    weights = values(bert_shapes(BERT), 1)
    slots = {f"{name}/{slot}": 0.01 * weights[name] for name in list(weights)[:12] for slot in ("adam_m", "adam_v")}
    slots |= {"bert/pooler/dense/kernel/Adam": 0 * weights["bert/pooler/dense/kernel"]}
    slots |= {"bert/pooler/dense/kernel/Adam_1": 0 * weights["bert/pooler/dense/kernel"]}
    pretraining = BertForPreTraining(BertConfig(**BERT))
    save_shards(folder / "only", [weights])  # without the head, which the converter does not know
    load_tf_weights_in_bert(pretraining, pretraining.config, str(folder / "only"))
    for file in folder.glob("only.*"):
        file.unlink()
    names = list(weights)
    half = len(names) // 2
    first = {name: weights[name] for name in names[:half]} | slots
    second = {name: weights[name] for name in names[half:]} | head | {"global_step": numpy.int64(3)}
    save_shards(folder / "model.ckpt-3", [first, second])
    tf.compat.v1.train.update_checkpoint_state(str(folder), "model.ckpt-3")
    (folder / "bert_config.json").write_text(json.dumps(BERT, indent=2) + "\n")

    classifier = BertForSequenceClassification(BertConfig(num_labels=LABELS, **BERT))
    put_together(pretraining, classifier, head)
    write_tensors("bert-tf", pretraining, classifier)
    pytorch(pretraining, classifier)
    for form, is_safe in FORMS.items():
        classifier.save_pretrained(fresh_folder(f"bert-{form}-shards"), safe_serialization=is_safe, max_shard_size="12KB")
    tensorflow_bfloat16(weights | head, slots)
    halves = {f"bert-{dtype}": half_precision(classifier, dtype) for dtype in ("float16", "bfloat16")}
    return {"bert": logits_of(classifier, folder), **halves}


FORMS = {"safetensors": True, "pytorch": False}


def half_precision(classifier, dtype):
    """Saved with rounded weights; the logits are of what `from_pretrained` reads, the same from either form."""
    logits = []
    for form, is_safe in FORMS.items():
        folder = fresh_folder(f"bert-{form}-{dtype}")
        copy.deepcopy(classifier).to(getattr(torch, dtype)).save_pretrained(folder, safe_serialization=is_safe)
        read = BertForSequenceClassification.from_pretrained(folder, torch_dtype=torch.float32)
        logits.append(logits_of(read, folder))
    assert logits[0] == logits[1]
    return logits[0]


def tensorflow_bfloat16(variables, slots):
    """All weights as bfloat16, in shards of their own, apart from Adam's; no converter reads them, torch's have the logits."""
    folder = fresh_folder("bert-tf-bfloat16")
    rounded = {name: tf.cast(value, tf.bfloat16) for name, value in variables.items()}
    for value, tensor in zip(variables.values(), rounded.values()):
        assert (tf.cast(tensor, tf.float32).numpy() == torch.from_numpy(value).bfloat16().float().numpy()).all()
    names = list(rounded)
    first, second = ({name: rounded[name] for name in names[i::2]} for i in (0, 1))
    save_shards(folder / "model.ckpt-7", [first, second, slots | {"global_step": numpy.int64(7)}])
    (folder / "bert_config.json").write_text(json.dumps(BERT, indent=2) + "\n")


def pytorch(pretraining, classifier):
    """The same weights as torch saved them: today's form, and that of the years before PyTorch 1.6."""
    folder = fresh_folder("bert-pytorch")
    classifier.config.save_pretrained(folder)
    torch.save(classifier.state_dict(), folder / "pytorch_model.bin")

    folder = fresh_folder("bert-pytorch-old")
    (folder / "bert_config.json").write_text(json.dumps(BERT, indent=2) + "\n")
    state = pretraining.state_dict()  # decoder and word embeddings share a storage
    state |= {k: v for k, v in classifier.state_dict().items() if k.startswith("classifier.")}
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    renamed = type(state)()
    for name, tensor in state.items():
        for new, former in old.items():
            name = name.replace(new, former)
        renamed[name] = tensor
    torch.save(renamed, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)


def albert(name, sizes, seed, head):
    folder = fresh_folder(name)
    weights = values(albert_shapes(sizes), seed)
    config = AlbertConfig(**{**sizes, "hidden_act": "gelu_new"}, classifier_dropout_prob=0)  # Google's gelu is by tanh
    pretraining = AlbertForPreTraining(config)
    save_shards(folder / "model.ckpt-best", [weights])
    load_tf_weights_in_albert(pretraining, config, str(folder / "model.ckpt-best"))
    for file in folder.glob("model.ckpt*"):
        file.unlink()
    save_shards(folder / "model.ckpt-best", [weights | head | {"global_step": numpy.int64(3)}])
    (folder / "albert_config.json").write_text(json.dumps(sizes, indent=2) + "\n")
    config.num_labels = LABELS
    classifier = AlbertForSequenceClassification(config)
    put_together(pretraining, classifier, head)
    if name == "albert-tf":
        write_tensors(name, pretraining, classifier)
    return logits_of(classifier, folder)


def main():
    torch.manual_seed(0)
    hidden = BERT["hidden_size"]
    head = values({"output_weights": (LABELS, hidden), "output_bias": (LABELS,)}, 3)
    document = {
        "versions": {
            "tensorflow": tf.__version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "safetensors": safetensors.__version__,
        },
        "texts": TEXTS,
        "logits": {
            **bert(head),
            "albert": albert("albert-tf", ALBERT, 2, head),
            "albert-groups": albert("albert-groups-tf", ALBERT_GROUPS, 4, head),
        },
    }
    (HERE / "golden.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
