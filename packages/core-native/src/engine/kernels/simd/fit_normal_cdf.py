"""Fits the two polynomials that math.h evaluates for the standard normal distribution.

    Phi(x) = 1/2 + x * Q(x^2),                                |x| < NEAR
    Phi(-a) = exp(-a^2 / 2) * P((a - K) / (a + K)),           beyond

The first has no rounding but the last one's where the values of a network mostly lie. In the second the factor in front
takes the decay, so P is smooth and bounded, and the map to [-1, 1) makes a short polynomial serve all of [0, 14], beyond
which exp(-a^2 / 2) is no normal float32. Needs numpy and scipy; prints the coefficients and the errors in float32.
"""

import numpy as np
from scipy.special import erfcx, ndtr

NEAR, NEAR_DEGREE = 1.25, 5
K, DEGREE, LAST = 4.0, 9, 14.0
nodes = np.cos(np.pi * (np.arange(400) + 0.5) / 400)

x = NEAR * np.sqrt((nodes + 1) / 2)
q = np.linalg.lstsq(
    np.vander(x * x, NEAR_DEGREE + 1, increasing=True) * x[:, None], ndtr(x) - 0.5, rcond=None
)[0]

w = -1 + (nodes + 1) * ((LAST - K) / (LAST + K) + 1) / 2
a = K * (1 + w) / (1 - w)
y = 0.5 * erfcx(a / np.sqrt(2))
# Relative error, with less weight where the tail itself is too small to be seen.
weight = np.maximum(np.exp(-a * a / 2), 1e-3) ** 0.25 / y
p = np.linalg.lstsq(np.vander(w, DEGREE + 1, increasing=True) * weight[:, None], y * weight, rcond=None)[0]


def evaluate(coefficients, at):
    value = np.full_like(at, np.float32(coefficients[-1]))
    for coefficient in coefficients[-2::-1]:
        value = value * at + np.float32(coefficient)
    return value


x = np.linspace(-14, 14, 2_000_001).astype(np.float32)
a = np.abs(x)
tail = np.exp(np.float32(-0.5) * a * a) * evaluate(p, (a - np.float32(K)) / (a + np.float32(K)))
phi = np.where(a < NEAR, np.float32(0.5) + x * evaluate(q, x * x), np.where(x < 0, tail, 1 - tail))
error = np.abs(phi - ndtr(x.astype(np.float64)))
for name, c in (("Q", q), ("P", p)):
    print(name, "highest power first:", ", ".join(f"{v:.9e}f" for v in c[::-1]))
print(f"largest error of Phi {error.max():.2e}, near 0 {error[a < NEAR].max():.2e}")
