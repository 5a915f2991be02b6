"""Prints the coefficients of NormalTailSlope in vector_math.h.

    pip install numpy==2.4.6 mpmath==1.3.0
    python fit-normal-tail.py

r(a) = (½ − Φ(−a) e^(a²/2)) / a is approximated by a quotient of polynomials N / D on (0, 14] with the smallest largest error, by
Lawson's algorithm (Lawson 1961): least squares of w (N − r D), again and again, with the weights raised where the error is large
and divided by the D of before.
"""

import numpy as np
from mpmath import erfc, exp, mp, mpf, sqrt

NUMERATOR, DENOMINATOR = 3, 4
END = 14.0
STEPS = 600

mp.dps = 30


def scaled_tail(a: float):
    """Φ(−a) e^(a²/2)"""
    return exp(mpf(a) ** 2 / 2) * erfc(mpf(a) / sqrt(2)) / 2


def fit(a, values, importance):
    scaled = a / (END / 2)
    weights = np.ones_like(a)
    denominator = np.ones_like(a)
    best = None
    for step in range(STEPS):
        w = importance * np.sqrt(weights) / denominator
        powers = [scaled**i for i in range(NUMERATOR + 1)]
        powers += [-values * scaled**i for i in range(1, DENOMINATOR + 1)]
        matrix = np.stack(powers, 1) * w[:, None]
        sizes = np.linalg.norm(matrix, axis=0)
        found = np.linalg.lstsq(matrix / sizes, values * w, rcond=None)[0] / sizes
        n, d = found[: NUMERATOR + 1], np.concatenate([[1], found[NUMERATOR + 1 :]])
        denominator = np.polyval(d[::-1], scaled)
        errors = np.abs(np.polyval(n[::-1], scaled) / denominator - values) * importance
        if best is None or errors.max() < best[0]:
            best = errors.max(), n / (END / 2) ** np.arange(len(n)), d / (END / 2) ** np.arange(len(d))
        if step > 8:
            weights = np.maximum(weights * errors / np.mean(weights * errors), 1e-12)
    return best


points = (END * ((1 - np.cos(np.linspace(0, np.pi, 4001))) / 2) ** 1.5)[1:]
tails = [scaled_tail(a) for a in points]
slopes = np.array([float((mpf(1) / 2 - tail) / mpf(a)) for tail, a in zip(tails, points)])
# How an error of r changes max(1, a) Φ(−a), but at the far end, where that vanishes, at least a hundredth of how it changes
# Φ(−a) relative to itself.
absolute = np.exp(-(points**2) / 2) * points * np.maximum(1, points)
relative = points / np.array(tails, dtype=float)
error, numerator, denominator = fit(points, slopes, np.maximum(absolute, relative / 100))
print(f"error of max(1, a) Φ(−a) {error:.1e}, of Φ(−a) relative to itself {100 * error:.1e}")
print("numerator  ", *(f"{c:.9g}" for c in numerator))
print("denominator", *(f"{c:.9g}" for c in denominator))
