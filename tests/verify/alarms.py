"""Runs of 500 correct checks with fresh entropy: `python -m tests.verify.alarms 100` counts the verdicts of 100 runs.

A run is 100 random test points, each with the score-function, reparameterized and sticking-the-landing gradients of an
ELBO, and 200 scalar laws from normal to lognormal. All claims are true, so FAIL is a false alarm; INCONCLUSIVE is not:
the score function is of fourth degree in its noise, and one such check of 40,000 meets draws too far out three times.
"""
import secrets
import sys
from collections import Counter
from functools import partial

import numpy as np

from refvi import Noise
from refvi.verify.chance import stream_of
from refvi.verify.draws import by_draws
from refvi.verify.verdict import Result

STANDARD = Noise(lambda rng, R, S: rng.standard_normal((R, S)), None)


def gradients(rng):
    """(noise, row, truth) of three unbiased gradients at one random test point, model as in test_faults."""
    mu, sigma, prior, likelihood, x = rng.uniform([-0.8, 0.4, 1.2, 0.5, 0.5], [0.8, 0.9, 1.8, 0.9, 1.5])

    def parts(eps):
        z = mu + sigma * eps[:, 0]
        u = (z - mu) / sigma
        weight = -0.5 * (z / prior)**2 - 0.5 * ((x - z) / likelihood)**2 + 0.5 * u**2
        return u, weight, -z / prior**2 + (x - z) / likelihood**2

    def score_function(eps):
        u, weight, _ = parts(eps)
        return weight[:, None] * np.stack([u / sigma, u**2 - 1], axis=-1)

    def path(eps):
        u, _, slope = parts(eps)
        return np.stack([slope, slope * sigma * u + 1], axis=-1)

    def landing(eps):
        u, _, slope = parts(eps)
        g = slope + u / sigma
        return np.stack([g, g * sigma * u], axis=-1)

    truth = np.array([-mu / prior**2 + (x - mu) / likelihood**2, 1 - (1 / prior**2 + 1 / likelihood**2) * sigma**2])
    return [(STANDARD, row, truth) for row in (score_function, path, landing)]


def scalars(rng):
    """Laws whose means are known, at random scales."""
    a, p, s = rng.uniform(0.3, 3), rng.uniform(0.02, 0.5), rng.uniform(0.3, 0.9)
    laws = [(lambda rng, R, S: rng.standard_normal((R, 1)), 0.0),
            (lambda rng, R, S: rng.standard_exponential((R, 1)), 1.0),
            (lambda rng, R, S: (rng.random((R, 1)) < p).astype(float), p),
            (lambda rng, R, S: np.exp(s * rng.standard_normal((R, 1))), np.exp(s**2 / 2)),
            (lambda rng, R, S: rng.standard_t(7, (R, 1)), 0.0)]
    draw, mean = laws[rng.integers(len(laws))]
    return [(Noise(draw, None), lambda eps: a * eps, np.array([a * mean]))]


def run(entropy):
    """Verdicts of 500 correct checks at n1 = 10,000."""
    rng = stream_of(entropy, "parameters")
    checks = [check for _ in range(100) for check in gradients(rng)] + [
        check for _ in range(200) for check in scalars(rng)
    ]
    results = [by_draws(Result("", "", "", r"\approx", 0, scale=1e3), row, noise, 1, truth, 1e-12,
                        partial(stream_of, entropy, number)) for number, (noise, row, truth) in enumerate(checks)]
    return Counter(result.verdict for result in results)


if __name__ == "__main__":
    total = Counter()
    for number in range(1, int(sys.argv[1]) + 1):
        total += run(secrets.randbits(128))
        print(f"\r{number} runs: {dict(total)}", end="", flush=True)
    print()
