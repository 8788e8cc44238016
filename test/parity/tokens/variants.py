"""Small files next to a vocabulary that change how texts are cut: (vocabulary, files, patch of tokenizer.json or None).

A patch stands for a directory that also holds tokenizer.json, as transformers saves it, with some keys replaced.
"""

TRUNCATION = {"max_length": 6, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
PADDING = {
    "strategy": {"Fixed": 128},
    "direction": "Right",
    "pad_to_multiple_of": None,
    "pad_id": 0,
    "pad_type_id": 0,
    "pad_token": "[PAD]",
}


def normalizer(lowercase):
    return {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": True,
        "strip_accents": None,
        "lowercase": lowercase,
    }


def token(content, **flags):
    return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, **flags}


CLASS_KEYS = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
VARIANTS = {
    "cased": ("bert-base-uncased", {"tokenizer_config.json": {"do_lower_case": False}}, None),
    "cased chinese": ("bert-base-chinese", {"tokenizer_config.json": {"do_lower_case": False}}, None),
    "lower case with accents": ("bert-base-uncased", {"tokenizer_config.json": {"strip_accents": False}}, None),
    "cased without accents": (
        "bert-base-uncased",
        {"tokenizer_config.json": {"do_lower_case": False, "strip_accents": True}},
        None,
    ),
    "chinese in words": ("bert-base-chinese", {"tokenizer_config.json": {"tokenize_chinese_chars": False}}, None),
    "class of older versions": (
        "bert-base-uncased",
        {"tokenizer_config.json": {"tokenizer_class": "BertTokenizerFast", "do_basic_tokenize": True}},
        None,
    ),
    "truncation on the left": ("bert-base-uncased", {"tokenizer_config.json": {"truncation_side": "left"}}, None),
    "prefix space": ("roberta-base", {"tokenizer_config.json": {"add_prefix_space": True}}, None),
    "mask takes the space before it": (
        "roberta-base",
        {"special_tokens_map.json": {"mask_token": token("<mask>", lstrip=True), "cls_token": "<s>"}},
        None,
    ),
    "tokens of another name": (
        "bert-base-uncased",
        {"tokenizer_config.json": {"sep_token": "[unused1]", "mask_token": "dog"}},
        None,
    ),
    "a map that names other tokens": ("bert-base-uncased", {"special_tokens_map.json": {"cls_token": "[MASK]"}}, None),
    "no mask": ("bert-base-uncased", {"tokenizer_config.json": {"mask_token": None}}, None),
    "special tokens of the user": (
        "bert-base-uncased",
        {"tokenizer_config.json": {"additional_special_tokens": ["<b>", "Python3"]}},
        None,
    ),
    "added_tokens.json": (
        "bert-base-uncased",
        {"added_tokens.json": {"quick brown": 5000, "über": 5001, "Jalapeño": 5002}},
        None,
    ),
    "tokenizer.json with settings": (
        "bert-base-uncased",
        {"tokenizer_config.json": CLASS_KEYS},
        {"truncation": TRUNCATION, "padding": PADDING},
    ),
    "tokenizer.json against tokenizer_config.json": (
        "bert-base-uncased",
        {"tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": False}},
        {"normalizer": normalizer(True)},
    ),
    "tokenizer.json of the general class": (
        "bert-base-uncased",
        {
            "tokenizer_config.json": {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "do_lower_case": True,
                "pad_token": "[PAD]",
            }
        },
        {"normalizer": normalizer(False)},
    ),
    "tokenizer.json of the general class with another normalizer": (
        "bert-base-uncased",
        {"tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]"}},
        {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"}]}},
    ),
    "tokenizer.json of RoBERTa with a prefix space": (
        "roberta-base",
        {"tokenizer_config.json": {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": True}},
        {},
    ),
}
