"""What SentencePiece itself gives, with what the makers of a model do before and after it."""

import unicodedata

import sentencepiece


def results(path, name, config, cases):
    """The ids of each case, uncut, with the special tokens of the family."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    if name.startswith("albert"):
        lower, accents = config.get("do_lower_case", True), config.get("keep_accents", False)
        return [albert(processor, case, lower, accents) for case in cases.values()]
    if name.startswith("xlm"):
        return [xlm_roberta(processor, case) for case in cases.values()]
    bos, eos = processor.bos_id(), processor.eos_id()
    return [joined([processor.encode(part) for part in parts(case)], bos, [eos], eos) for case in cases.values()]


def parts(case):
    return [case] if isinstance(case, str) else list(case)


def joined(texts, cls, between, end):
    ids = [cls, *texts[0]]
    for text in texts[1:]:
        ids += [*between, *text]
    return [*ids, end]


def xlm_roberta(processor, case):
    """fairseq's numbers: one more than the model's, and its own special tokens."""
    own = {0: 3, 1: 0, 2: 2}
    texts = [[own.get(i, i + 1) for i in processor.encode(part)] for part in parts(case)]
    return joined(texts, 0, [2, 2], 2)


def albert(processor, case, lower, keep_accents):
    """google-research/albert: quotes, accents and case first; a number and the comma after it come apart."""
    texts = []
    for part in parts(case):
        text = " ".join(part.strip().split()).replace("``", '"').replace("''", '"')
        if not keep_accents:
            text = unicodedata.normalize("NFKD", text)
            text = "".join(letter for letter in text if not unicodedata.combining(letter))
        if lower:
            text = text.lower()
        ids = []
        for piece in processor.encode(text, out_type=str):
            if len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit():
                again = processor.encode(piece[:-1].replace("\u2581", ""), out_type=str)
                if piece[0] != "\u2581" and again[0][0] == "\u2581":
                    again = again[1:] if len(again[0]) == 1 else [again[0][1:], *again[1:]]
                ids += processor.piece_to_id([*again, ","])
            else:
                ids.append(processor.piece_to_id(piece))
        texts.append(ids)
    cls, sep = processor.piece_to_id("[CLS]"), processor.piece_to_id("[SEP]")
    return joined(texts, cls, [sep], sep)
