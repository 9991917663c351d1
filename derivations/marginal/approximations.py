"""Companion of approximations.md: its rows, its stages and its referees."""
import itertools

import autograd.numpy as anp
import numpy as np
from scipy import integrate, stats

from refvi import Estimate, Model, categorical, noise, normal
from refvi.marginal.approximations import (beam_search, differentiated_average,      # noqa: F401
                                           gradient_of_log_average, log_of_average, truncated_responsibilities)

# ---- averages over the prior

K = 3


def stage_prior(rng):
    """z one of three with fixed probabilities, x | z ~ N(mu_z, sigma_z^2), theta = (mu, log sigma): averages over prior draws, two at a time."""
    prior, x = rng.uniform(0.2, 0.4, K), rng.uniform(0.6, 0.9)
    prior = prior / prior.sum()
    theta = np.concatenate([np.array([-2., 1., 2.5]) + rng.uniform(-0.2, 0.2, K), np.array([0.1, -0.3, 0.2]) + rng.uniform(-0.1, 0.1, K)])
    p = Model(lambda z, theta: np.log(prior)[z], lambda x, z, theta: normal.log_prob(x, anp.stack([picked(theta[..., :K], z), picked(theta[..., K:], z)], axis=-1)))
    likelihood = stats.norm.pdf(x, theta[:K], np.exp(theta[K:]))

    def evidence(t):
        return prior @ stats.norm.pdf(x, t[:K], np.exp(t[K:]))

    def slope():
        """By hand: each density times its own slope, in its mean and in its log sigma."""
        t = (x - theta[:K]) / np.exp(theta[K:])
        return np.concatenate([prior * likelihood * t / np.exp(theta[K:]), prior * likelihood * (t**2 - 1)])

    def mean_log():
        """Every pair of prior draws."""
        return sum(prior[i] * prior[j] * np.log(0.5 * likelihood[i] + 0.5 * likelihood[j]) for i, j in itertools.product(range(K), repeat=2))

    return dict(p=p, x=x, theta=theta, S=2, noise=noise(categorical, np.log(prior)), evidence_in_logs=lambda: np.log(evidence(theta)), over_all_pairs=mean_log,
                gradient_of_density=slope, slope_of_evidence=lambda: slope() / evidence(theta))


def picked(values, z):
    """The z-th of the last axis; values may carry sample axes."""
    return anp.sum(values * (z[..., None] == np.arange(K)), axis=-1)


# ---- sums cut short

def stage_truncation(rng):
    """Six components around one datum: gradients in the six means from the k most probable."""
    means, x = np.array([-1.4, -0.5, 0.2, 0.9, 1.6, 2.6]) + rng.uniform(-0.1, 0.1, 6), rng.uniform(0.4, 0.6)
    return dict(means=means, datum=x)


def all_six(means, datum):
    density = stats.norm.pdf(datum, means, 0.8)
    return density / density.sum() * (datum - means) / 0.64


def best_one(means, datum):
    return truncated_responsibilities(-0.5 * ((datum - means[None]) / 0.8)**2, 1)[0] * (datum - means) / 0.64


def best_three(means, datum):
    kept = truncated_responsibilities(-0.5 * ((datum - means[None]) / 0.8)**2, 3)
    return kept[0] * (datum - means) / 0.64


def best_six(means, datum):
    weights = truncated_responsibilities(-0.5 * (datum - means[None])**2 / 0.64, len(means))
    return (weights * (datum - means) / 0.64).ravel()


def stage_hard(rng):
    return dict(centre=rng.uniform(0.6, 0.9))


def mean_of_the_folded(centre):
    """E|x| for x ~ (N(centre, 1) + N(-centre, 1))/2: centre (2 Phi(centre) - 1) + 2 phi(centre)."""
    return centre * (2 * stats.norm.cdf(centre) - 1) + 2 * stats.norm.pdf(centre)


def the_centre(centre):
    return centre


def soft_update(centre):
    """EM's update from the true centre: E[x tanh(centre x)], which is the centre itself."""
    return integrate.quad(lambda x: x * np.tanh(centre * x) * 0.5 * (stats.norm.pdf(x - centre) + stats.norm.pdf(x + centre)), -12, 12, epsabs=1e-12)[0]


def hard_update(centre):
    """Every x assigned to the nearer centre, the assignments by the truncated responsibilities on a fine grid."""
    x, h = np.linspace(-12, 12, 48_001, retstep=True)
    side = truncated_responsibilities(np.stack([centre * x, -centre * x], axis=1), 1) @ [1., -1.]
    return Estimate(np.sum(x * side * 0.5 * (np.exp(-0.5 * (x - centre)**2) + np.exp(-0.5 * (x + centre)**2))) / np.sqrt(2 * np.pi) * h, h**2)


def stage_words(rng):
    """Two words out of three: the most probable first word leads nowhere."""
    first = np.array([0.45, 0.35, 0.20])
    after = np.array([[0.36, 0.33, 0.31], [0.80, 0.15, 0.05], [0.6, 0.3, 0.1]])
    return dict(first=first, after=after)


def next_words(first, after):
    return lambda prefix: np.log(first if not prefix else after[prefix[0]])


def best_by_enumeration(first, after):
    return np.max(first[:, None] * after)


def greedy(first, after):
    return np.exp(beam_search(next_words(first, after), 2, 1)[1])


def wide_beam(first, after):
    return np.exp(beam_search(next_words(first, after), length=2, width=len(first))[1])
