#!/usr/bin/env python3
"""Writes golden/tf_auc.json: TensorFlow's own tf.metrics.auc of each label in golden/sklearn.json.

    python -m venv tfvenv && tfvenv/bin/pip install tensorflow-cpu==2.21.0
    tfvenv/bin/python test/parity/metrics/generate_tf.py

tf.compat.v1.metrics.auc is TensorFlow 1's code, carried along unchanged; it is what the old tool showed for each
class. The values are here as TensorFlow gives them: also where a label has no positives (1) or no negatives (0).
"""
import json
from pathlib import Path

import numpy as np
import tensorflow as tf

GOLDEN = Path(__file__).parent / "golden"
tf.compat.v1.disable_eager_execution()


def auc(labels, predictions):
    with tf.Graph().as_default():
        value, update = tf.compat.v1.metrics.auc(tf.constant(labels), tf.constant(predictions))
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.local_variables_initializer())
            session.run(update)
            return float(session.run(value))


def main():
    cases = {}
    for case in json.loads((GOLDEN / "sklearn.json").read_text())["cases"]:
        y = np.array([list(map(int, row)) for row in case["labels"]], np.int32)
        p = np.array(case["probabilities"]).astype(np.float32)  # the old tool's sigmoid is float32
        cases[case["name"]] = [auc(y[:, j], p[:, j]) for j in range(y.shape[1])]
    out = {"versions": {"tensorflow-cpu": tf.__version__, "numpy": np.__version__}, "roc_auc_tf200": cases}
    (GOLDEN / "tf_auc.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
