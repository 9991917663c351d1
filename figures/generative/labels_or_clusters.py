"""Data without labels help where classes are clusters, and harm where they are not. UA.015, UA.088.

Share of wrong answers against the number of labels of each class: classes of normals fitted to labels alone, and to
the same labels with 300 data without, averages over many sets with two standard errors. Left: classes N(-1.2, 1) and
N(1.2, 1); the upper line is the closed form for labels alone, dotted the best rule. Right: clusters at -2 and 2, and
labels that say whether x exceeds 2; dashed what the clusters' own boundary costs.
"""
import numpy as np
from scipy.special import ndtr

from refvi.generative.semi_supervised.model import UNSEEN, fit
from refvi.generative.semi_supervised.rows import error_from_midpoint

EXPENSIVE = True
SIZE = (7., 2.9)
LABELS = np.array([2, 4, 8, 16, 32])
HALF, CENTRE, THRESHOLD, WITHOUT = 1.2, 2., 2., 300
QUICK = dict(repeats=3, labels=LABELS[:2])


def helpful(rng, N):
    """(x (N,), classes (N,)) of two clusters that are the classes."""
    y = rng.integers(0, 2, N)
    return (2 * y - 1) * HALF + rng.standard_normal(N), y


def harmful(rng, N):
    """(x (N,), classes (N,)) of two clusters, one of which the classes cut."""
    x = rng.choice([-CENTRE, CENTRE], N) + rng.standard_normal(N)
    return x, (x > THRESHOLD).astype(int)


def boundary(theta):
    """Where the two classes are equally likely, and whether class 1 lies above."""
    (left, right), variance = theta.lam[:, 0], np.exp(2 * theta.lam[0, 1])
    return (left + right) / 2 + variance * (theta.logits[0] - theta.logits[1]) / (right - left), right > left


def helpful_error(theta):
    cut, above = boundary(theta)
    error = (ndtr(cut - HALF) + ndtr(-cut - HALF)) / 2
    return error if above else 1 - error


def harmful_error(theta):
    cut, above = boundary(theta)
    error = abs(sum(ndtr(THRESHOLD - m) - ndtr(cut - m) for m in (-CENTRE, CENTRE))) / 2
    return error if above else 1 - error


def errors(rng, draw, error, n):
    """(from n labels of each class alone, with data without labels) of one set."""
    x, y = draw(rng, WITHOUT + 40 * n)
    labels = np.full(len(x), UNSEEN)
    for k in (0, 1):
        labels[np.flatnonzero(y == k)[:n]] = k
    kept = (labels != UNSEEN) | (np.arange(len(x)) >= 40 * n)
    return [error(fit(x[kept, None], labels[kept], 2, steps).found) for steps in (0, 300)]


def data(rng, repeats=300, labels=LABELS):
    found = np.array([[[errors(rng, draw, error, n) for _ in range(repeats)] for n in labels]
                      for draw, error in ((helpful, helpful_error), (harmful, harmful_error))])
    mean, spread = found.mean(axis=2), found.std(axis=2) / np.sqrt(repeats)
    return dict(labels=labels, alone=error_from_midpoint(HALF, labels), random_errors=mean, random_spread=spread,
                best=ndtr(-HALF), clusters=sum(ndtr(THRESHOLD - m) - ndtr(-m) for m in (-CENTRE, CENTRE)) / 2)


def draw(figure, labels, alone, random_errors, random_spread, best, clusters):
    panels = figure.subplots(1, 2, sharey=True)
    panels[0].plot(labels, alone, color="C1")
    panels[0].axhline(best, color="C0", linestyle=":", label="best rule")
    panels[1].axhline(clusters, color="C0", linestyle="--", label="clusters' boundary")
    for i, panel in enumerate(panels):
        for j, name in enumerate(("labels alone", "and 300 without")):
            panel.errorbar(labels, random_errors[i, :, j], 2 * random_spread[i, :, j], fmt="os"[j], color=f"C{j + 1}",
                           label=name)
        panel.set(xscale="log", xticks=labels, xticklabels=labels, xlabel="labels of each class",
                  title=("classes are clusters", "the boundary cuts a cluster")[i])
        panel.minorticks_off()
        panel.legend()
    panels[0].set(ylabel="share of wrong answers", ylim=(0, None))
