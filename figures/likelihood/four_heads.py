"""A head turns the numbers that a network puts out into a distribution, and draws from it come as often as it says.

Dots: shares among 2000 draws, with two standard errors; lines: probabilities, of the normal in bins of half its
standard deviation, as areas below its density.
"""
import numpy as np
from scipy.special import ndtr

from refvi.likelihood.heads import bernoulli, categorical, normal_heads, poisson

SIZE = (7.2, 2.6)
R = 2000
LOGIT, LOGITS, LOG_RATE, MEAN, SD = 0.8, np.array([0.5, -0.5, 1.2, 0.0]), 0.7, 1.0, 0.6
EDGES = MEAN + SD * np.arange(-3, 3.5, 0.5)


def data(rng):
    heads = dict(logistic=(bernoulli, [LOGIT], np.arange(2)), softmax=(categorical, LOGITS, np.arange(4)),
                 counts=(poisson, [LOG_RATE], np.arange(8)), normal=(normal_heads, [MEAN, np.log(SD)], EDGES[:-1]))
    numbers = {}
    for name, (head, outputs, values) in heads.items():
        outputs = np.asarray(outputs, float)
        draws = head.draw(rng, np.broadcast_to(outputs, (R, len(outputs))))
        if name == "normal":
            shares, exact = np.histogram(draws, EDGES)[0] / R, np.diff(ndtr((EDGES - MEAN) / SD))
        else:
            outcomes = np.eye(4) if name == "softmax" else values[:, None].astype(float)
            shares = np.mean(np.all(draws[:, None] == outcomes, axis=-1), axis=0)
            exact = np.exp(head.log_prob(outcomes, outputs))
        numbers |= {f"values_{name}": values, f"measured_{name}": shares,
                    f"error_{name}": np.sqrt(exact * (1 - exact) / R), f"exact_{name}": exact}
    return numbers


def draw(figure, **numbers):
    titles = dict(logistic=f"logistic\nlogit {LOGIT}", softmax="softmax\nlogits " + ", ".join(f"{a:g}" for a in LOGITS),
                  counts=f"counts\nlog rate {LOG_RATE}", normal=f"normal\nmean {MEAN:g}, log sd {np.log(SD):.2f}")
    for axes, (name, title) in zip(figure.subplots(1, 4), titles.items()):
        values, exact = numbers[f"values_{name}"], numbers[f"exact_{name}"]
        shift = SD / 4 if name == "normal" else 0
        if name == "normal":
            axes.stairs(exact, EDGES, color="C0")
        else:
            axes.hlines(exact, values - 0.4, values + 0.4, color="C0")
        axes.errorbar(values + shift, numbers[f"measured_{name}"], 2 * numbers[f"error_{name}"], fmt="o", markersize=3,
                      color="C2", capsize=1.5, linewidth=0.8)
        axes.set_ylim(bottom=0)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("x")
    figure.axes[0].set_ylabel("probability")
    for axes, most in zip(figure.axes, (1, 3, 7)):
        axes.set_xticks(range(0, most + 1, 1 if most < 7 else 2))
