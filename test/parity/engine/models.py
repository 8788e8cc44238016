"""The tiny models of the golden values, and what their model types call things."""

from transformers import (
    AlbertConfig,
    AlbertForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    ErnieConfig,
    ErnieForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

COMMON = dict(
    num_hidden_layers=2,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    classifier_dropout=0.0,
    problem_type="multi_label_classification",
)
# The same for models that are about an architecture; AdamW and activations are seen to above them.
SMALL = dict(
    vocab_size=40, max_position_embeddings=32, num_labels=5, num_hidden_layers=2, problem_type="multi_label_classification"
)
# Seeds go by position: add at the end.
MODELS = {
    "bert": (
        BertForSequenceClassification,
        BertConfig(
            vocab_size=40,
            hidden_size=32,
            num_attention_heads=4,
            intermediate_size=40,
            max_position_embeddings=32,
            num_labels=5,
            **COMMON,
        ),
    ),
    "roberta": (
        RobertaForSequenceClassification,
        RobertaConfig(
            vocab_size=40,
            hidden_size=24,
            num_attention_heads=2,
            intermediate_size=40,
            max_position_embeddings=34,  # positions start at pad_token_id + 1 = 2
            type_vocab_size=1,
            layer_norm_eps=1e-5,
            num_labels=5,
            **COMMON,
        ),
    ),
    # Sizes that no vector width divides.
    "bert-odd": (
        BertForSequenceClassification,
        BertConfig(
            vocab_size=37,
            hidden_size=21,
            num_attention_heads=3,
            intermediate_size=37,
            max_position_embeddings=32,
            hidden_act="gelu_new",
            layer_norm_eps=1e-5,
            num_labels=7,
            **COMMON,
        ),
    ),
    "albert": (
        AlbertForSequenceClassification,
        AlbertConfig(
            **{**SMALL, "num_hidden_layers": 5},  # the first group runs three times, the second twice
            embedding_size=8,
            hidden_size=16,
            num_attention_heads=2,
            intermediate_size=24,
            num_hidden_groups=2,
            inner_group_num=2,
            classifier_dropout_prob=0.0,
        ),
    ),
    "xlm-roberta": (
        XLMRobertaForSequenceClassification,
        XLMRobertaConfig(
            **{**COMMON, **SMALL, "max_position_embeddings": 34},
            hidden_size=16,
            num_attention_heads=1,
            intermediate_size=24,
            type_vocab_size=1,
            layer_norm_eps=1e-5,
        ),
    ),
    "distilbert": (
        DistilBertForSequenceClassification,
        DistilBertConfig(
            **SMALL,
            dim=16,
            n_heads=2,
            hidden_dim=24,
            dropout=0.0,
            attention_dropout=0.0,
            seq_classif_dropout=0.0,
        ),
    ),
    "electra": (
        ElectraForSequenceClassification,
        ElectraConfig(
            **{**COMMON, **SMALL}, embedding_size=8, hidden_size=16, num_attention_heads=2, intermediate_size=24
        ),
    ),
    "ernie": (
        ErnieForSequenceClassification,
        ErnieConfig(
            **{**COMMON, **SMALL}, use_task_id=True, hidden_size=16, num_attention_heads=2, intermediate_size=24
        ),
    ),
    # As the base and large sizes: embeddings as wide as the layers, so nothing projects them.
    "electra-wide": (
        ElectraForSequenceClassification,
        ElectraConfig(
            **{**COMMON, **SMALL}, embedding_size=16, hidden_size=16, num_attention_heads=2, intermediate_size=24
        ),
    ),
}
SMALL_MODELS = [name for name in MODELS if name not in ("bert", "roberta", "bert-odd")]
# The names that model types have for the rates of dropout.
RATES = {
    "hidden": ("hidden_dropout_prob", "dropout"),
    "probabilities": ("attention_probs_dropout_prob", "attention_dropout"),
    "head": ("classifier_dropout", "classifier_dropout_prob", "seq_classif_dropout"),
}
# What a place of dropout reaches the logits through: tensors whose names end so. Where they are 0, so is all of it.
OUTLETS = {
    "embeddings": ("embeddings.LayerNorm.weight", "embeddings.LayerNorm.bias"),
    "attention_output": ("attention.output.dense", "attention.dense", "attention.out_lin"),
    "output": ("output.dense", "ffn_output", "ffn.lin2"),
}
# The head's scale puts gradient norms about the clipping limit, so that some steps clip and some do not.
HEAD_STD = {"bert": 0.2, "roberta": 0.35, "bert-odd": 0.45, "albert": 0.3, "xlm-roberta": 0.4, "distilbert": 0.5, "electra": 0.4, "ernie": 0.4, "electra-wide": 0.4}
HEADS = ("classifier.weight", "classifier.out_proj.weight")
MAX_TOKENS = 32
