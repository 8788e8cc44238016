"""Makes golden/: what `finetag train` saves of TensorFlow 1 checkpoints, and transformers' logits of that.

    pip install -r ../engine/requirements.txt && python generate.py

finetag is the one of this repository, which must be built; it is given relative paths, since `finetag.json` has them.
"""

import json
import shutil
import subprocess
from pathlib import Path

from compare_logits import answer

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
PROGRAM = HERE / "../../../packages/cli/bin/finetag.mjs"
CHECKPOINTS = ["bert-tf", "albert-tf"]
# What a run leaves next to the model.
OF_THE_RUN = ["checkpoints", "runs", "metrics.json"]


def save(name, arguments):
    output = f"golden/{name}"
    paths = ["--model", f"../formats/{name}", "--train", "train.csv", "--output-dir", output]
    subprocess.run(["node", PROGRAM.resolve(), "train", *paths, *arguments], cwd=HERE, check=True)
    for other in OF_THE_RUN:
        path = HERE / output / other
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def main():
    training = json.loads((HERE / "training.json").read_text(encoding="utf-8"))
    shutil.rmtree(GOLDEN, ignore_errors=True)
    GOLDEN.mkdir()
    document = {}
    for name in CHECKPOINTS:
        save(name, training["arguments"])
        document[name] = answer(str(GOLDEN / name), training["texts"])
    (GOLDEN / "golden.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
