"""Every cure lowers the variance of the score-function gradient; only leave one out pays a price that dies out with S.

A hidden Markov chain of three binary states, the gradient for the middle one. Vertical: variance times the number of
draws S, so that an average of independent terms is flat. Dots: 4000 estimates each, with two standard errors; lines:
exact. The pilot's 8 draws come on top.
"""
import numpy as np
from scipy.special import gammaln

from refvi import Noise, bernoulli, noise
from refvi.gradients.score_function import score_function
from refvi.gradients.variance_reduction.learned import best_and_price, coefficient
from refvi.gradients.variance_reduction.leave_one_out import leave_one_out, mean_baseline_and_price
from refvi.gradients.variance_reduction.rao_blackwell import local_weight, total, variance_of_local
from refvi.gradients.variance_reduction.rows import (expectation_of_f, variance_at_best, variance_at_mean,
                                                     variance_without, weighted_mean)

R, MIDDLE, PILOT = 4000, 1, 8
LAM, STAY, RIGHT, START = np.array([-0.6, -0.9, -0.3]), 0.8, 0.85, 0.65
CURES = {"none": ("o", "C0", "-", "no cure"), "mean": ("s", "C1", "-", "E[f] for a baseline"),
         "others": ("^", "C1", "--", "leave one out"), "pilot": ("v", "C2", "--", "best b, by a pilot of 8"),
         "best": ("D", "C2", "-", "best b"), "local": ("*", "C3", ":", "Rao-Blackwell")}


def terms(z):
    """log p(z_1), two moves, three data, and -log q of each state: the data are all one."""
    pi = 1 / (1 + np.exp(-LAM))
    first = np.where(z[..., :1] == 1, START, 1 - START)
    moves = np.where(z[..., 1:] == z[..., :-1], STAY, 1 - STAY)
    data, own = np.where(z == 1, RIGHT, 1 - RIGHT), np.where(z == 1, pi, 1 - pi)
    return np.log(np.concatenate([first, moves, data, 1 / own], axis=-1))


TOUCHES = np.array([[1, 1, 0, 1, 0, 0, 1, 0, 0],
                    [0, 1, 1, 0, 1, 0, 0, 1, 0],
                    [0, 0, 1, 0, 0, 1, 0, 0, 1]], bool)


def pilots(eps):
    """A Noise whose rule fits many draws: it lists how often each of the eight states was drawn, whatever the order."""
    def rule(S, order):
        z, w = bernoulli.nodes(LAM)
        counts = np.array(list(compositions(S, len(w))))
        log_mass = gammaln(S + 1) - np.sum(gammaln(counts + 1), axis=1) + counts @ bernoulli.log_prob(z, LAM)
        which = np.repeat(np.tile(np.arange(len(w)), len(counts)), counts.ravel()).reshape(len(counts), S)
        return z[which], np.exp(log_mass)
    return Noise(eps.draw, rule)


def compositions(total, parts):
    """All ways to write total as a sum of so many counts."""
    if parts == 1:
        yield (total,)
    else:
        yield from ((first, *rest) for first in range(total + 1) for rest in compositions(total - first, parts - 1))


def data(rng):
    f, eps, S = total(terms), noise(bernoulli, LAM), 2**np.arange(1, 7)
    price = best_and_price(f, bernoulli, LAM, pilots(eps), PILOT, PILOT + 1)
    exact = {"none": lambda s: variance_without(f, bernoulli, LAM, s),
             "mean": lambda s: variance_at_mean(f, bernoulli, LAM, s),
             "others": lambda s: mean_baseline_and_price(f, bernoulli, LAM, s),
             "pilot": lambda s: price / s,
             "best": lambda s: variance_at_best(f, bernoulli, LAM, s),
             "local": lambda s: variance_of_local(terms, TOUCHES, bernoulli, LAM, s)}
    baselines = {"none": 0., "mean": expectation_of_f(f, bernoulli, LAM), "best": weighted_mean(f, bernoulli, LAM)}
    estimate = {name: lambda z, b=b: score_function(z, f, bernoulli, LAM, b) for name, b in baselines.items()} | {
        "others": lambda z: leave_one_out(z, f, bernoulli, LAM),
        "pilot": lambda z: score_function(z, f, bernoulli, LAM, learned(rng, eps, f)[:, None]),
        "local": lambda z: local_weight(z, terms, TOUCHES, bernoulli, LAM)}
    numbers = dict(S=S)
    for name in CURES:
        estimates = [estimate[name](eps.draw(rng, R, s))[:, MIDDLE] for s in S]
        square = [s * (g - g.mean())**2 for s, g in zip(S, estimates)]
        numbers[f"measured_{name}"] = [v.mean() for v in square]
        numbers[f"error_{name}"] = [v.std() / np.sqrt(R) for v in square]
        numbers[f"exact_{name}"] = [s * exact[name](s)[MIDDLE] for s in S]
    return numbers


def learned(rng, eps, f):
    """The coefficients of R pilots, (R, P)."""
    return coefficient(eps.draw(rng, R, PILOT), f, bernoulli, LAM)


def draw(figure, S, **numbers):
    figure.set_size_inches(6.2, 3.6)
    axes = figure.add_subplot()
    for name, (marker, color, line, label) in CURES.items():
        exact, measured, error = (numbers[f"{kind}_{name}"] for kind in ("exact", "measured", "error"))
        axes.plot(S, exact, color=color, linestyle=line)
        axes.errorbar(S, measured, 2 * error, fmt=marker, color=color, linestyle="none", capsize=2)
        place = (2.25, exact[0] * 1.02) if name == "others" else (78, exact[-1])
        axes.text(*place, label, va="bottom" if name == "others" else "center", fontsize=9)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set(xlim=(1.7, 420), xlabel="draws per estimate S", ylabel="S × variance of the gradient")
    axes.set_title("Hidden Markov chain, middle state: exact lines, measured dots")
    axes.set_xticks(S, [f"{s}" for s in S])
    axes.set_yticks([0.7, 1, 2, 4], ["0.7", "1", "2", "4"])
    axes.tick_params(which="minor", labelleft=False, labelbottom=False)
