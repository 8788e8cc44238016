#!/usr/bin/env python3
"""Writes golden/sklearn.json: small multi-label cases with what scikit-learn says of them.

    python -m venv venv && venv/bin/pip install scikit-learn==1.9.1
    venv/bin/python test/parity/metrics/generate.py

Where scikit-learn has no such metric, or reads a single label column as a two-class problem, the value comes from
a plain numpy loop over the definition: precision at k, the per-row averages of a single label, and the
200-threshold AUC of TensorFlow 1 (generate_tf.py checks that one against TensorFlow itself). An average precision
without positives is null here (scikit-learn: 0 and a warning), and so is a ROC AUC without both classes.
"""
import json
import platform
import warnings
from pathlib import Path

import numpy as np
import scipy
import sklearn
from sklearn import metrics as sk

warnings.filterwarnings("ignore")
GOLDEN = Path(__file__).parent / "golden" / "sklearn.json"


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cases():
    rng = np.random.default_rng(20)

    def random_case(rows, labels, rate, signal=1.5, digits=None):
        y = (rng.random((rows, labels)) < rate).astype(int)
        p = sigmoid(rng.normal(size=(rows, labels)) + signal * y + np.log(np.asarray(rate) / (1 - np.asarray(rate))))
        return (p if digits is None else np.round(p, digits)), y

    # 28 labels whose rates fall from 30 % to 0.5 %, as GoEmotions' do: some have no positive row here.
    yield "skewed_28_labels", *random_case(90, 28, 0.3 * 0.86 ** np.arange(28)), 0.5
    yield "heavy_ties", *random_case(80, 8, 0.3, digits=1), 0.5
    yield "two_values", *random_case(50, 6, 0.4, digits=0), 0.5
    yield "per_label_thresholds", *random_case(60, 5, 0.3, digits=2), [0.1, 0.25, 0.5, 0.75, 0.9]

    _, y = random_case(24, 5, 0.4)
    yield "constant_scores", np.full((24, 5), 0.5), y, 0.5

    p, y = random_case(40, 7, 0.35, digits=1)
    y[:, 1], y[:, 4] = 0, 1  # a label on no row, one on every row
    yield "labels_on_no_row_or_every_row", p, y, 0.5

    p, y = random_case(40, 7, 0.35, digits=1)
    y[::5], y[1::5] = 0, 1  # rows with no label, rows with every label
    p[::10] = 0.2  # and with nothing predicted
    yield "rows_with_no_label_or_every_label", p, y, 0.5

    p, y = random_case(12, 4, 0.4)
    yield "no_positive_at_all", p, np.zeros_like(y), 0.5
    yield "no_negative_at_all", p, np.ones_like(y), 0.5

    yield "single_label", *random_case(40, 1, 0.4, digits=1), 0.5
    yield "two_labels", *random_case(30, 2, 0.4), 0.5
    p, _ = random_case(1, 7, 0.4, digits=1)
    yield "single_row", p, np.array([[0, 1, 0, 0, 1, 0, 0]]), 0.5
    yield "single_row_single_label", np.array([[0.75]]), np.array([[1]]), 0.5

    # On, just below and just above the 200 thresholds of TensorFlow's grid, and at both ends of [0, 1].
    grid = np.arange(200) / 199
    p = np.stack([grid, np.nextafter(grid, 0), np.nextafter(grid, 1).clip(0, 1), grid.astype(np.float32)], axis=1)
    yield "on_the_threshold_grid", p, (rng.random(p.shape) < sigmoid(6 * p - 3)).astype(int), 0.5


def tf200_auc(y, p):
    """tf.metrics.auc(y, p) of TensorFlow 1 (tensorflow/python/ops/metrics_impl.py), its sums in float64."""
    thresholds = [-1e-7] + [(i + 1) / 199 for i in range(198)] + [1 + 1e-7]
    predicted = p.astype(np.float32)[None, :] > np.array(thresholds).astype(np.float32)[:, None]
    tp, fn = (predicted & (y == 1)).sum(1), (~predicted & (y == 1)).sum(1)
    fp, tn = (predicted & (y == 0)).sum(1), (~predicted & (y == 0)).sum(1)
    recall = (tp + 1e-6) / (tp + fn + 1e-6)
    fp_rate = fp / (fp + tn + 1e-6)
    return ((fp_rate[:-1] - fp_rate[1:]) * (recall[:-1] + recall[1:]) / 2).sum()


def precision_at(y, p, k):
    """Mean over rows; labels tied at place k share the places that are left."""
    hits = []
    for y_row, p_row in zip(y, p):
        cut = np.sort(p_row)[::-1][k - 1]
        above, tied = p_row > cut, p_row == cut
        hits.append(y_row[above].sum() + y_row[tied].mean() * (k - above.sum()))
    return np.mean(hits) / k


def mean(values):
    defined = [v for v in values if v is not None]
    return np.mean(defined) if defined else None


def expected(p, y, thresholds):
    rows, labels = y.shape
    predicted = (p > np.asarray(thresholds)).astype(int)
    out = {"rows": rows}

    def prf(name, result):
        out.update(zip((f"{name}_precision", f"{name}_recall", f"{name}_f1"), result))

    if labels > 1:
        for average in ("micro", "macro", "weighted", "samples"):
            prf(average, sk.precision_recall_fscore_support(y, predicted, average=average, zero_division=0)[:3])
        out["samples_jaccard"] = sk.jaccard_score(y, predicted, average="samples", zero_division=0)
        out["coverage_error"] = sk.coverage_error(y, p)
        out["ranking_loss"] = sk.label_ranking_loss(y, p)
        out["lrap"] = sk.label_ranking_average_precision_score(y, p)
    else:
        one = sk.precision_recall_fscore_support(y[:, 0], predicted[:, 0], labels=[1], average="micro", zero_division=0)
        for average in ("micro", "macro", "weighted"):
            prf(average, one[:3])
        prf("samples", [(y & predicted).mean()] * 3)
        out["samples_jaccard"] = (y & predicted).mean()
        out["coverage_error"] = y.mean()
        out["ranking_loss"] = 0.0
        out["lrap"] = 1.0
    out["subset_accuracy"] = (y == predicted).all(axis=1).mean()
    if labels > 1:
        assert out["subset_accuracy"] == sk.accuracy_score(y, predicted)
    out["hamming_loss"] = sk.hamming_loss(y, predicted)

    per_label = []
    for j in range(labels):
        both = 0 < y[:, j].sum() < rows
        precision, recall, f1, support = sk.precision_recall_fscore_support(
            y[:, j], predicted[:, j], labels=[1], zero_division=0
        )
        per_label.append({
            "roc_auc": sk.roc_auc_score(y[:, j], p[:, j]) if both else None,
            "roc_auc_tf200": tf200_auc(y[:, j], p[:, j]) if both else None,
            "average_precision": sk.average_precision_score(y[:, j], p[:, j]) if y[:, j].any() else None,
            "precision": precision[0], "recall": recall[0], "f1": f1[0], "support": int(support[0]),
            "threshold": thresholds if np.isscalar(thresholds) else thresholds[j],
        })
    out["per_label"] = per_label
    out["roc_auc_macro"] = mean([one["roc_auc"] for one in per_label])
    out["average_precision_macro"] = mean([one["average_precision"] for one in per_label])
    out["roc_auc_tf200_macro"] = mean([one["roc_auc_tf200"] for one in per_label])
    flat = y.ravel()
    out["roc_auc_micro"] = sk.roc_auc_score(flat, p.ravel()) if 0 < flat.sum() < flat.size else None
    out["average_precision_micro"] = sk.average_precision_score(flat, p.ravel()) if flat.any() else None
    if all(one["roc_auc"] is not None for one in per_label) and labels > 1:
        assert np.isclose(out["roc_auc_macro"], sk.roc_auc_score(y, p, average="macro"), rtol=0, atol=1e-12)
        assert np.isclose(out["roc_auc_micro"], sk.roc_auc_score(y, p, average="micro"), rtol=0, atol=1e-12)
        assert np.isclose(
            out["average_precision_macro"], sk.average_precision_score(y, p, average="macro"), rtol=0, atol=1e-12
        )
    out["precision_at_k"] = {str(k): precision_at(y, p, k) for k in (1, 3, 5) if k <= labels}
    return out


def logits_case():
    """Logits from tiny to those whose sigmoid is 0 or 1, with exact sigmoids."""
    rng = np.random.default_rng(21)
    logits = np.concatenate([
        rng.normal(size=40) * 3,
        [0, -0.0, 1e-20, -1e-20, 16, -16, 36, -36, 40, -40, 100, -100, 700, -700, 800, -800, 3e38, -3e38],
    ]).astype(np.float32)
    x = logits.astype(np.float64)
    return {
        "logits": x.tolist(),
        "probabilities": scipy.special.expit(x).tolist(),
    }


def plain(value):
    """numpy's numbers as Python's; json then writes each float's shortest exact form."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


def main():
    golden = {
        "versions": {
            "python": platform.python_version(), "numpy": np.__version__,
            "scipy": scipy.__version__, "scikit-learn": sklearn.__version__,
        },
        "logits": logits_case(),
        "cases": [
            {
                "name": name, "thresholds": thresholds,
                "labels": ["".join(map(str, row)) for row in y],
                "probabilities": [list(map(float, row)) for row in p],
                "expected": plain(expected(p, y, thresholds)),
            }
            for name, p, y, thresholds in cases()
        ],
    }
    GOLDEN.parent.mkdir(exist_ok=True)
    # One case a line keeps the file small, and its diffs readable.
    parts = [f'"{key}": {json.dumps(golden[key])}' for key in ("versions", "logits")]
    parts.append('"cases": [\n' + ",\n".join(json.dumps(case) for case in golden["cases"]) + "\n]")
    GOLDEN.write_text("{\n" + ",\n".join(parts) + "\n}\n")
    print(f"{GOLDEN}: {len(golden['cases'])} cases, {GOLDEN.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
