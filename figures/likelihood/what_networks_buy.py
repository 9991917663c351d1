"""A network passes on what matters of its side information, and needs few data to do so. UA.032, UA.034, SA.20, SA.22.

Left: 64 inputs of which two combinations decide between three classes. A linear network with a narrow layer of two
units, climbed by Adam on 2000 data; codes of held-out data, which are a function of the inputs, coloured by class. Its
title says how far, in degrees, the plane that it passes on lies off the right one.
Right: ten binary inputs and four classes, drawn from a 10-16-4 network. Nats per datum, averaged over all outcomes of
all 1024 inputs: a 10-16-4 network, 244 weights, from the penalized likelihood of N data; a table with a row for each
input, 3072 free numbers, from counts to which one half is added; the line is what the truth itself reaches.
"""
import itertools

import numpy as np
from scipy.linalg import subspace_angles

from refvi.base.optimize import adam
from refvi.likelihood.mle import classifier
from refvi.likelihood.networks import Activation, backward, count, forward, initial, layers, rectified

EXPENSIVE = True
SIZE = (7., 2.9)
NARROW, TABLE = (64, 2, 3), (10, 16, 4)
LINEAR = Activation(lambda a: a, np.ones_like)
NS = (62, 125, 250, 500, 1000, 2000, 4000)
PRECISION = 1.          # of the normal prior that keeps the weights of the right network finite
QUICK = dict(Ns=NS[:2], repeats=2)


def outcome(rng, log_p):
    """One outcome for every row of log probabilities."""
    return np.argmax(log_p + rng.gumbel(size=log_p.shape), axis=1)


def narrow(rng, N=2000, held=400):
    """(codes of held-out data, their classes, the angle in degrees)."""
    plane, readout = rng.standard_normal((64, 2)) / 8, 4 * np.array([[1., -0.5, -0.5], [0., 0.87, -0.87]])
    y = rng.standard_normal((N + held, 64))
    x = outcome(rng, classifier.log_softmax(y @ plane @ readout))

    def slope(theta):
        hs = forward(theta, y[:N], NARROW, LINEAR)
        return backward(theta, hs, np.eye(3)[x[:N]] - np.exp(classifier.log_softmax(hs[-1])), NARROW, LINEAR)

    theta = adam(slope, initial(rng, NARROW), 400, lambda t: 0.1 / (1 + t / 50)).lam
    found = layers(theta, NARROW)[0][0]
    return forward(theta, y[N:], NARROW, LINEAR)[1], x[N:], np.degrees(subspace_angles(found, plane)[0])


def compact(rng, N, y, log_truth):
    """Exact nats per datum of (network, table), each from N data."""
    rows = rng.integers(0, len(y), N)
    x = outcome(rng, log_truth[rows])
    theta = adam(lambda theta: classifier.gradient(theta, x, y[rows], TABLE) - PRECISION * theta,
                 initial(rng, TABLE), 600, lambda t: 0.03 / (1 + t / 100)).lam
    counts = np.full(log_truth.shape, 0.5)
    np.add.at(counts, (rows, x), 1)
    models = forward(theta, y, TABLE, rectified)[-1], np.log(counts)
    return [np.mean(np.sum(np.exp(log_truth) * classifier.log_softmax(logits), axis=1)) for logits in models]


def data(rng, Ns=NS, repeats=8):
    codes, classes, angle = narrow(rng)
    y = np.array(list(itertools.product((-1., 1.), repeat=10)))
    log_truth = classifier.log_softmax(forward(1.3 * initial(rng, TABLE), y, TABLE, rectified)[-1])
    nats = np.array([[compact(rng, N, y, log_truth) for _ in range(repeats)] for N in Ns])
    return dict(random_codes=codes, random_classes=classes, random_angle=angle, sizes=[count(TABLE), 3 * len(y)],
                Ns=Ns, random_nats=nats.mean(axis=1), random_error=nats.std(axis=1) / np.sqrt(repeats - 1),
                random_best=np.mean(np.sum(np.exp(log_truth) * log_truth, axis=1)))


def draw(figure, random_codes, random_classes, random_angle, sizes, Ns, random_nats, random_error, random_best):
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
    for k, mark in enumerate("o^s"):
        left.plot(*random_codes[random_classes == k].T, mark, color=f"C{k + 1}", markersize=3)
    left.set(xlabel="unit 1", ylabel="unit 2", title=f"64 inputs to 2, {random_angle:.1f} degrees off")
    right.axhline(random_best, color="C0", label="the truth")
    for k, name in enumerate((f"network, {sizes[0]} weights", f"table, {sizes[1]} numbers")):
        right.errorbar(Ns, random_nats[:, k], 2 * random_error[:, k], fmt="os"[k], color=f"C{k + 1}", label=name)
    right.axhline(-np.log(4), color="C0", linestyle=":", label="guessing")
    right.set(xscale="log", xlabel="N data", ylabel="nats per datum")
    right.legend(loc="upper left", bbox_to_anchor=(0, 0.96))
