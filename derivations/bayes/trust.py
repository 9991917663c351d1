"""Companion of trust.md: its stages, its referees and its slip."""
import itertools

import numpy as np
from referees import by_differences, few_nodes, under_normal
from scipy import integrate, stats
from scipy.special import expit, logit

from refvi import Estimate, Noise
from refvi.bayes.trust import (average_and_variance, density_of_probability, logit_law,         # noqa: F401
                               mean_and_variance, over_drawn_masks, over_masks, over_matrices, posterior_density,
                               right_by_the_mean, right_with_pi_known)

# ---- a coin whose bias is not known


def stage_coin(rng):
    """A prior that is not flat, a few flips, and three points at which densities are compared."""
    a, b = rng.uniform([1.3, 2.2], [1.8, 2.9])
    return dict(a=a, b=b, heads=int(rng.integers(3, 6)), tails=int(rng.integers(7, 12)),
                at=rng.uniform([0.1, 0.25, 0.5], [0.2, 0.45, 0.7]))


def joint(pi, a, b, heads, tails):
    """Of the bias and how many heads there were."""
    return stats.beta.pdf(pi, a, b) * stats.binom.pmf(heads, heads + tails, pi)


def moments_of_joint(a, b, heads, tails):
    """Its integral with 1, pi and pi^2, by SciPy."""
    return Estimate(*integrate.quad_vec(lambda pi: pi**np.arange(3) * joint(pi, a, b, heads, tails), 0, 1,
                                        epsabs=1e-13, epsrel=1e-12))


def joint_over_evidence(at, a, b, heads, tails):
    moments, error = moments_of_joint(a, b, heads, tails)
    return Estimate(joint(at, a, b, heads, tails) / moments[0], error)


def moments_by_quadrature(a, b, heads, tails):
    moments, error = moments_of_joint(a, b, heads, tails)
    mass, mean, square = moments / moments[0]
    return Estimate(np.array([mean, square - mean**2]), error)


# ---- a random matrix between the input and the weights

def stage_matrix(rng):
    """Two inputs and a matrix of four numbers, from which the logit keeps its mean and gets a deviation near 2."""
    square = few_nodes(4)

    def rule(S, order):
        found = square.rule(S, order)
        return found and (found[0].reshape(-1, S, 2, 2), found[1])

    return dict(y=np.array([1.5, -1.1]) + rng.uniform(-0.1, 0.1, 2), scale=rng.uniform(1.0, 1.2), S=2,
                theta=np.array([-0.8, 0.6]) + rng.uniform(-0.1, 0.1, 2),
                at=rng.uniform([0.05, 0.2, 0.6], [0.15, 0.4, 0.8]),
                noise=Noise(lambda rng, R, S: rng.standard_normal((R, S, 2, 2)), rule))


def over_all_signs(y, theta, scale):
    """Mean and variance of the logit if the entries of E are plus or minus one, which have a normal's first moments."""
    logits = np.array([y @ (np.eye(2) + scale * np.reshape(signs, (2, 2))) @ theta
                       for signs in itertools.product((-1, 1), repeat=4)])
    return np.array([logits.mean(), logits.var()])


def moments_of_logits(eps, y, theta, scale):
    """Mean and sample variance of the logits of S drawn matrices."""
    logits = (np.eye(2) + scale * eps) @ theta @ y
    return np.stack([np.mean(logits, axis=-1), np.var(logits, axis=-1, ddof=1)], axis=-1)


def slope_of_distribution(at, y, theta, scale):
    """Of the probability that pi stays below a point, which SciPy's normal has in logits."""
    sd = scale * np.linalg.norm(y) * np.linalg.norm(theta)
    found = [by_differences(lambda t: stats.norm.cdf(logit(t[0]), np.dot(theta, y), sd), np.array([t])) for t in at]
    return Estimate(*(np.concatenate(parts) for parts in zip(*found)))


def moments_of_pi(y, theta, scale):
    """Average and variance of pi, by SciPy's quadrature over the logit."""
    mean, sd = np.dot(theta, y), scale * np.linalg.norm(y) * np.linalg.norm(theta)
    average = under_normal(expit, mean, sd)
    variance = under_normal(lambda value: (expit(value) - average.value)**2, mean, sd)
    return Estimate(np.array([average.value, variance.value]), np.array([average.error, variance.error]))


def plug_in(y, theta):
    """A slip: the average matrix, in place of the average over matrices; it has no spread either."""
    return np.array([1 / (1 + np.exp(-y @ theta)), 0.])


def plug_in_by_tanh(y, theta):
    return np.array([(1 + np.tanh(sum(a * b for a, b in zip(y, theta)) / 2)) / 2, 0.])


def spread_of_pi(y, theta, scale):
    return average_and_variance(y, theta, scale)[1]


def spread_by_quadrature(y, theta, scale):
    value, error = moments_of_pi(y, theta, scale)
    return Estimate(value[1], error[1])


def at_half_the_scale(y, theta, scale):
    return average_and_variance(y, theta, scale / 2)[1]


def half_by_quadrature(y, theta, scale):
    """The variance as a mean square less a squared mean."""
    mean, sd = np.dot(theta, y), scale / 2 * np.linalg.norm(y) * np.linalg.norm(theta)
    first, square = under_normal(expit, mean, sd), under_normal(lambda v: expit(v)**2, mean, sd)
    return Estimate(square.value - first.value**2, square.error)


# ---- masks

def stage_masks(rng):
    """Three inputs as on no slide, each kept more often than not."""
    def masks(keep):
        def rule(S, order):
            eps = np.array(list(itertools.product((0., 1.), repeat=3 * S)))
            return eps.reshape(-1, S, 3), np.prod(stats.bernoulli.pmf(eps, keep), axis=1)

        return Noise(lambda rng, R, S: (rng.random((R, S, 3)) < keep).astype(float), rule)

    keep = rng.uniform(0.55, 0.65)
    return dict(y=np.array([1., -0.5, 2.]) + rng.uniform(-0.1, 0.1, 3), keep=keep, S=2, noise=masks(keep),
                theta=np.array([0.3, 0.8, -1.1]) + rng.uniform(-0.1, 0.1, 3))


def mask_by_mask(y, theta, keep):
    """Average and mean square less squared average, one mask after the other."""
    average = square = 0.
    for mask in itertools.product((False, True), repeat=3):
        kept = [d for d in range(3) if mask[d]]
        chance = keep**len(kept) * (1 - keep)**(3 - len(kept))
        pi = expit(sum(y[d] * theta[d] for d in kept) / keep)
        average, square = average + chance * pi, square + chance * pi**2
    return np.array([average, square - average**2])


# ---- what agreement is worth

def stage_two_classes(rng):
    """A Beta wide enough that its smaller part matters."""
    a, b = rng.uniform([5.5, 3.5], [7.5, 4.5])
    return dict(a=a, b=b)


def on_either_side(g):
    """The integral of g from nothing to one half and from there to one, (2,), by SciPy."""
    return integrate.quad_vec(lambda t: np.array([g(t / 2), g(1 - t / 2)]) / 2, 0, 1, epsabs=1e-13)[0]


def right_by_either_class(a, b):
    """The better of always one and always the other class, by quadrature."""
    return max(np.sum(on_either_side(lambda pi: stats.beta.pdf(pi, a, b) * pi)),
               np.sum(on_either_side(lambda pi: stats.beta.pdf(pi, a, b) * (1 - pi))))


def right_by_quadrature(a, b):
    """Of the larger of both probabilities, below one half and above."""
    return np.sum(on_either_side(lambda pi: stats.beta.pdf(pi, a, b) * max(pi, 1 - pi)))
