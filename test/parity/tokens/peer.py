"""Prints what `AutoTokenizer` makes of the cases, for saved directories of a test.

    python peer.py DIR…
    python peer.py DIR --file TSV

Prints a JSON object {length: [ids, …]} of the cases for each directory, one a line; or with --file, the ids of the
texts in the first column, one JSON list a line.
"""

import json
import sys

from transformers import AutoTokenizer
from transformers.utils import logging

from cases import CASES, LENGTHS

logging.set_verbosity_error()


def encode(tokenizer, length):
    """Ids of all cases, each encoded on its own; their type ids for pairs."""
    results = []
    for case in CASES.values():
        # Lists, since a call for a single pair takes an empty second text for none.
        texts = [[case[0]], [case[1]]] if isinstance(case, tuple) else [[case]]
        output = tokenizer(*texts, truncation="longest_first", max_length=length, padding=False)
        result = {"ids": output["input_ids"][0]}
        if isinstance(case, tuple) and "token_type_ids" in output:
            result["types"] = output["token_type_ids"][0]
        results.append(result)
    return results


def read_texts(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        return [line.split("\t")[0] for line in file.read().split("\n") if line]


def main():
    if sys.argv[2:3] == ["--file"]:
        tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
        for ids in tokenizer(read_texts(sys.argv[3]), truncation=True, max_length=512)["input_ids"]:
            print(json.dumps(ids))
        return
    for folder in sys.argv[1:]:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        print(json.dumps({length: encode(tokenizer, length) for length in LENGTHS}))


if __name__ == "__main__":
    main()
