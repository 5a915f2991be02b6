"""Records what scikit-learn's Gaussian process makes of given measurements, for the tests of packages/bayesian-search.

    pip install scikit-learn==1.9.1
    python tools/parity/gaussian-process.py packages/bayesian-search/fixtures/gaussian-process.json

The kernel is Matern 5/2 with fixed hyper-parameters and a noise of its own per measurement (alpha).
"""

import json
import sys

import numpy
import sklearn
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

CASES = [
    {"lengthScales": [0.4], "variance": 1.0, "count": 5},
    {"lengthScales": [0.3, 1.5], "variance": 2.5, "count": 12},
    {"lengthScales": [0.5, 0.2, 4.0], "variance": 0.7, "count": 25},
]

random = numpy.random.default_rng(0)
cases = []
for case in CASES:
    axes = len(case["lengthScales"])
    points = random.uniform(size=(case["count"], axes)).round(4)
    values = (numpy.sin(6 * points[:, 0]) + points.sum(axis=1) + random.normal(size=len(points)) * 0.1).round(4)
    noise = random.uniform(1e-4, 0.05, size=len(points)).round(6)
    places = random.uniform(size=(6, axes)).round(4)
    kernel = ConstantKernel(case["variance"], "fixed") * Matern(case["lengthScales"], nu=2.5)
    process = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None).fit(points, values)
    mean, deviation = process.predict(places, return_std=True)
    # In the logarithms of the length-scales; the variance is fixed.
    likelihood, gradient = process.log_marginal_likelihood(process.kernel_.theta, eval_gradient=True)
    cases.append(
        {
            "lengthScales": case["lengthScales"],
            "variance": case["variance"],
            "points": points.tolist(),
            "values": values.tolist(),
            "noise": noise.tolist(),
            "places": places.tolist(),
            "mean": mean.tolist(),
            "standardDeviation": deviation.tolist(),
            "logMarginalLikelihood": likelihood,
            "gradientInLogLengthScales": gradient.tolist(),
        }
    )

with open(sys.argv[1], "w") as file:
    json.dump({"scikit-learn": sklearn.__version__, "cases": cases}, file)
    file.write("\n")
