"""Companion of constraints.md: its rows, its stages and its referees."""
import math

import numpy as np
from referees import by_differences
from scipy import integrate, special, stats

from refvi import Estimate, stages
from refvi.base.optimize import gradient_ascent
from refvi.likelihood.constraints.rows import (distances_by_steps, gradient_by_a_chain,       # noqa: F401
                                               gradient_by_autograd, gradient_by_tape, mean_of_the_slopes,
                                               passes_counted, straight_through, tape_through_a_draw,
                                               tape_through_the_path, tape_through_the_sum)

LIKELIHOODS = stages("likelihoods")
stage_logistic_head, stage_softmax_head, stage_counts_head, stage_normal_head = (
    LIKELIHOODS[f"stage_{head}_head"] for head in ("logistic", "softmax", "counts", "normal"))


# ---- five ways to make steps of gradients

def stage_slope(rng):
    """A slope that never changes, two hundred times as steep in one coordinate as in the other."""
    slope, T = np.array([rng.uniform(2, 4), -rng.uniform(0.01, 0.02)]), int(rng.integers(4, 9))
    return dict(slope=slope, T=T, slopes=np.tile(slope, (T, 1)), start=rng.uniform(0.3, 0.6, 2),
                rate=rng.uniform(0.05, 0.2))


def stage_slopes(rng):
    """Slopes that change from step to step."""
    return dict(slopes=rng.uniform(0.3, 2, (6, 2)) * rng.choice([-1, 1], (6, 2)), start=rng.uniform(0.3, 0.6, 2),
                rate=rng.uniform(0.05, 0.2))


def closed_distances(slope, T, rate):
    """Ascent, momentum, Adagrad, RMSProp, Adam: (5, 2)."""
    t = np.arange(1, T + 1)
    along = [T, np.sum(1 - 0.9**t) / 0.1]
    signs = [np.sum(t**-0.5), np.sum((1 - 0.9**t)**-0.5), T]
    return rate * np.array([n * slope for n in along] + [np.copysign(n, slope) for n in signs])


def sums_of_the_past(slopes, rate):
    """Every step by itself, from weighted sums over all slopes so far, the last one first: (5, 2)."""
    total = np.zeros((5, 2))
    for t in range(len(slopes)):
        past, age = slopes[t::-1], np.arange(t + 1)
        short, long = 0.9**age, 0.999**age
        mean, square = np.average(past, axis=0, weights=short), np.average(past**2, axis=0, weights=long)
        total += [past[0], short @ past, past[0] / np.linalg.norm(past, axis=0),
                  past[0] / np.sqrt(0.1 * short @ past**2), mean / np.sqrt(square)]
    return rate * total


def stage_two_tops(rng):
    """A slope that is zero in a valley, middle, and on a top on either side of it; steps of a third of the limit."""
    tops, middle = np.array([rng.uniform(-1.3, -0.9), rng.uniform(1.3, 1.7)]), rng.uniform(0.1, 0.3)
    slope = -np.polynomial.Polynomial.fromroots([*tops, middle])
    curvatures = (tops[1] - tops[0]) * np.abs(tops - middle)
    return dict(tops=tops, slope=slope, starts=middle + np.array([-0.1, 0.1]), rate=2 / 3 / np.max(curvatures),
                curvatures=curvatures, many=200, few=5)


def two_tops(tops):
    return tops


def ends_of_two_starts(slope, starts, rate, many):
    return gradient_ascent(slope, starts, many, rate).lam


def shrinkage_by_curvature(curvatures, rate, few):
    return (1 - rate * curvatures)**few


def shrinkage_of_steps(slope, tops, rate, few):
    """What a few steps make of a small distance from either top, by differences."""
    left = by_differences(lambda starts: gradient_ascent(slope, starts, few, rate).lam, tops)
    return Estimate(np.diag(left.value), np.diag(left.error))


# ---- what breaks differentiability

def stage_draw(rng):
    """A latent z of three values, their probabilities softmax(alpha), and likelihoods f that z stands for."""
    alpha = np.array([1.4, -0.7, 0.3]) + rng.uniform(-0.2, 0.2, 3)
    f = np.array([0.08, 0.9, 0.6]) + rng.uniform(-0.04, 0.04, 3)
    pi, share = special.softmax(alpha), rng.uniform(0.3, 0.4)
    parts = np.append(pi[:2], pi[2] * np.array([share, 1 - share]))     # of the uniform's range, two for the last
    return dict(alpha=alpha, f=f, u=np.cumsum(parts) - parts * rng.uniform(0.05, 0.2, 4), masses=parts)


def mean_and_slope(alpha, f):
    slope = by_differences(lambda alpha: special.softmax(alpha) @ f, alpha)
    return Estimate(np.append(special.softmax(alpha) @ f, slope.value), np.append(0., slope.error))


def mean_and_covariance(alpha, f):
    """The mean, and pi_k (f_k - mean): what the score function estimates."""
    pi = special.softmax(alpha)
    return np.append(pi @ f, pi * (f - pi @ f))


def mean_and_nothing(masses, f):
    return np.append(masses @ f[[0, 1, 2, 2]], np.zeros(3))


def stage_path(rng):
    t, w = np.polynomial.hermite_e.hermegauss(60)
    return dict(lam=np.array([rng.uniform(0.3, 0.7), rng.uniform(-0.8, -0.4)]), t=t, w=w / w.sum())


def slope_of_the_mean_sine(lam):
    """E[sin z] is exp(-sigma^2/2) sin mu."""
    mu, variance = lam[0], np.exp(2 * lam[1])
    return np.exp(-variance / 2) * np.array([np.cos(mu), -variance * np.sin(mu)])


def stage_coin(rng):
    return dict(p=rng.uniform(0.25, 0.35), target=rng.uniform(0.46, 0.49))


def slope_of_the_coin(p, target):
    slope = by_differences(lambda p: stats.bernoulli(p[0]).expect(lambda b: (b - target)**2), np.array([p]))
    return Estimate(slope.value[0], slope.error[0])


def one_side_less_the_other(target):
    return (1 - target)**2 - target**2


def twice_the_distance(p, target):
    """E[2 (b - target)] of a coin with probability p."""
    return 2 * (p - target)


def stage_kink(rng):
    """A normal z beside a threshold, on nodes of the half line above it, since below the slope is zero."""
    threshold, (t, w) = rng.uniform(0.3, 0.6), np.polynomial.legendre.leggauss(80)
    above = threshold + 5 * (t + 1)
    return dict(threshold=threshold, t=above, w=5 * w * stats.norm.pdf(above))


def slope_of_the_mean_activation(threshold):
    """Of E[sigmoid(max(z - threshold, 0))], by differences of SciPy's integrals."""
    def mean(at):
        above, _ = integrate.quad(lambda z: special.expit(z - at[0]) * stats.norm.pdf(z), at[0], np.inf, epsabs=1e-14,
                                  epsrel=1e-13)
        return above + 0.5 * stats.norm.cdf(at[0])

    slope = by_differences(mean, np.array([threshold]))
    return Estimate(slope.value[0], slope.error[0])


# ---- what tractability costs

def stage_sizes(rng):
    return dict(K=int(rng.integers(5, 9)), order=int(rng.integers(9, 14)), D=3, N=int(rng.integers(7, 10)), M=3)


def passes_on_paper(K, order, D, N, M):
    return np.array([K, order**D, M, M * math.comb(N, M)])


def stage_chain(rng):
    """p(z, x | theta) = softmax(theta_0 z)_z times a Bernoulli of logit theta_1 + z, x = 1, for z = 0, 1, 2, 3."""
    theta = np.array([rng.uniform(-0.6, -0.3), rng.uniform(0.3, 0.7)])

    def log_joint(z, theta):
        levels = np.array([0., 1, 2, 3])
        return theta[0] * z - np.log(np.sum(np.exp(theta[0] * levels))) - np.log1p(np.exp(-theta[1] - z))

    return dict(log_joint=log_joint, theta=theta, K=4, steps=400)


def slope_of_the_evidence(theta):
    def log_evidence(theta):
        prior = special.softmax(theta[0] * np.arange(4))
        return np.log(prior @ special.expit(theta[1] + np.arange(4)))

    return by_differences(log_evidence, theta)
