"""Three priors draw a weight towards zero, and only one leaves it at zero where data say little. SA.47, SA.48.

Left: one weight, seen with noise of deviation 0.5: its posterior mean under a normal prior of deviation 0.8 and under a
spike (probability 0.8) in a slab of deviation 1.8, and its most probable value under a Laplace prior whose threshold is
0.5. Right: embeddings of a hundred toy words in twenty contexts, three codes that are mostly zero and a dictionary,
learnt with a Laplace prior from five starts: the true code beside the one found, in the order and units of the true.
"""
import numpy as np
from scipy.optimize import linear_sum_assignment

from refvi.marginal.topics import sparse

SIZE = (6.6, 2.8)
NOISE, NORMAL, SLAB, SPIKE, THRESHOLD = 0.5, 0.8, 1.8, 0.8, 0.5


def data(rng, N=100, C=20, D=3, noise=0.5, scale=0.03):
    a = np.linspace(-2.5, 2.5, 201)
    shrunk = [a * NORMAL**2 / (NORMAL**2 + NOISE**2),
              sparse.mean_of_spike_and_slab(a, np.log((1 - SPIKE) / SPIKE), SLAB, NOISE),
              sparse.soft_threshold(a, THRESHOLD)]
    true = rng.normal(0, 1.5, (N, D)) * (rng.random((N, D)) < 0.3)
    x = true @ rng.normal(size=(D, C)) + noise * rng.normal(size=(N, C))

    def log_joint(pair):
        return sparse.log_posterior(pair[0], x, pair[1], noise, scale) - 0.5 * np.sum(pair[1]**2)

    z = max((sparse.embeddings(rng, x, D, noise, scale, 60) for _ in range(5)), key=log_joint)[0]
    norms = np.linalg.norm(z, axis=0)
    unit = z / np.where(norms > 0, norms, 1)        # a code that data do not ask for is zero everywhere
    unit = unit[:, linear_sum_assignment(-np.abs(true.T @ unit))[1]]
    return dict(a=a, shrunk=shrunk, random_true=true, random_found=unit * np.sum(true * unit, axis=0))


def draw(figure, a, shrunk, random_true, random_found):
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    left.plot(a, a, color="0.8")
    for k, (name, line) in enumerate((("normal", "-"), ("spike and slab", "--"), ("Laplace", "-."))):
        left.plot(a, shrunk[k], color=f"C{k}", linestyle=line, label=name)
    left.set(xlabel="seen", ylabel="answered")
    left.legend()
    for d, mark in enumerate("o^s"):
        right.plot(random_true[:, d], random_found[:, d], mark, color=f"C{d + 1}", markersize=3)
    right.axhline(0, color="0.8", zorder=0)
    right.set(xlabel="true code", ylabel="code found")
