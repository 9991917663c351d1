"""Companion of semi_supervised.md: its rows, its stages and its referees."""
import itertools

import numpy as np
from autograd import grad
from referees import by_differences, under_normal
from scipy import integrate, special, stats

from refvi import Estimate, diagonal_normal, noise
from refvi.generative.semi_supervised.model import UNSEEN, Classes, from_shares, objective, responsibilities
from refvi.generative.semi_supervised.rows import (average_of_draws, classes,  # noqa: F401
                                                   error_from_midpoint, gradient_of_likelihood, label_averaged_out,
                                                   label_summed_out, labels_summed_out, posterior_after_em,
                                                   posterior_before_em,
                                                   seen_and_expected, sum_over_labels)
from refvi.likelihood.heads import Network, bernoulli

ENDS = -12, 12          # of the line, for either class


# ---- classes of normals: seven data of two coordinates, three classes, three labels seen

def some_classes(rng, tied):
    """Data with a label lie near their class's mean, the others to one side of it, so that these count."""
    signs = [[-1, 1, -0.3, 0.2, 0.4], [1, -1, 0.2, -0.3, -0.5], [0.4, 1, 0.3, 0.2, 0.3]]
    normals = rng.uniform(0.3, 1.1, (3, 5)) * signs
    if tied:
        normals[:, 2:] = normals[0, 2:]
    labels, near = np.array([0, 2, UNSEEN, 1, UNSEEN, UNSEEN, UNSEEN]), normals[[0, 2, 1, 1, 0, 2, 2], :2]
    x = near + rng.uniform(-0.5, 0.5, (7, 2)) + np.where(labels == UNSEEN, 1, 0)[:, None] * [1.4, -1.2]
    return dict(x=x, labels=labels, theta=np.concatenate([rng.uniform(-0.5, 0.5, 3), normals.ravel()]), K=3)


def stage_tied(rng):
    """One covariance for all classes."""
    return some_classes(rng, True) | dict(prior=None)


def stage_own(rng):
    """A covariance for each, and a prior of two and a half data."""
    return some_classes(rng, False) | dict(prior=(2.5, np.array([[1.3, 0.4], [0.4, 0.8]])))


def normal_of(k, theta):
    """Mean (2,) and covariance (2, 2) of a class."""
    mean, log_a, log_b, c = theta[3 + 5 * k:5 + 5 * k], *theta[5 + 5 * k:8 + 5 * k]
    a, b = np.exp(log_a), np.exp(log_b)
    return mean, np.array([[a**2, a * c], [a * c, c**2 + b**2]])


def density(x, k, theta):
    """p(x, k) of one datum, by SciPy."""
    return np.exp(theta[k]) / np.sum(np.exp(theta[:3])) * stats.multivariate_normal.pdf(x, *normal_of(k, theta))


def over_all_labels(theta, x, labels):
    return filled_in(theta, x, labels)


def filled_in(theta, x, labels):
    """log of the sum over all ways to fill in the labels that were not seen."""
    choices = [[label] if label != UNSEEN else range(3) for label in labels]
    table = {(n, k): density(x[n], k, theta) for n, those in enumerate(choices) for k in those}
    return np.log(sum(np.prod([table[place] for place in enumerate(filled)]) for filled in itertools.product(*choices)))


def slope_over_all_labels(theta, x, labels):
    return by_differences(lambda t: filled_in(t, x, labels), theta)


def labels_dropped(theta, x, labels, K):
    """The slip: what was not labelled left out."""
    seen = labels != UNSEEN
    return grad(lambda theta: objective(x[seen], labels[seen], classes(theta, K)))(theta)


def slope_of_the_labelled(theta, x, labels):
    seen = [(x[n], k) for n, k in enumerate(labels) if k != UNSEEN]
    return by_differences(lambda t: sum(np.log(density(row, k, t)) for row, k in seen), theta)


def with_prior(theta, x, labels, prior):
    """The sum over all labels, and what a prior adds: a Wishart density of the precisions, up to its constant."""
    added = 0.
    for k in range(3) if prior else ():
        C = normal_of(k, theta)[1]
        added -= prior[0] / 2 * (np.linalg.slogdet(2 * np.pi * C)[1] + np.trace(np.linalg.inv(C) @ prior[1]))
    return filled_in(theta, x, labels) + added


def posterior_by_hand(theta, x, labels, prior):
    return with_prior(theta, x, labels, prior)


def step_by_hand(theta, x, labels, prior):
    """One step of EM, class by class, its weighted moments by NumPy."""
    r = np.array([[density(row, k, theta) for k in range(3)] for row in x])
    r /= r.sum(axis=1, keepdims=True)
    for n, label in enumerate(labels):
        if label != UNSEEN:
            r[n] = [float(k == label) for k in range(3)]
    counts = r.sum(axis=0)
    own = [np.cov(x.T, bias=True, aweights=r[:, k]) for k in range(3)]
    if prior:
        own = [(n * C + prior[0] * prior[1]) / (n + prior[0]) for n, C in zip(counts, own)]
    else:
        own = [np.average(own, axis=0, weights=counts)] * 3
    normals = []
    for k, C in enumerate(own):
        a = np.sqrt(C[0, 0])
        log_b = np.log(np.linalg.det(C) / C[0, 0]) / 2
        normals += [*np.average(x, axis=0, weights=r[:, k]), np.log(a), log_b, C[0, 1] / a]
    return with_prior(np.array([*np.log(counts), *normals]), x, labels, prior)


# ---- a VAE with a label: four labels, one latent number, five pixels

def stage_vae(rng):
    decoder, standard = Network((1 + 4, 3, 5), bernoulli), np.zeros(2)
    lam = np.stack([[-0.4, 0.3, 0.6, 0.2], [-0.5, -0.2, -0.7, -0.4]], axis=1) + rng.uniform(-0.1, 0.1, (4, 2))
    return dict(x=np.array([[1., 0., 0., 1., 1.]]), decoder=decoder, weights=rng.uniform(-0.9, 0.9, decoder.size),
                y=np.eye(4), lam=lam, r=rng.dirichlet([9, 4, 6, 5]), S=2, noise=noise(diagonal_normal, standard))


def pixels(z, k, x, weights):
    """log p(x | z, k), unit by unit."""
    hidden = [np.tanh(z * weights[j] + weights[3 * (1 + k) + j] + weights[15 + j]) for j in range(3)]
    logits = [sum(h * weights[18 + 5 * j + i] for j, h in enumerate(hidden)) + weights[33 + i] for i in range(5)]
    return sum(stats.bernoulli.logpmf(on, special.expit(l)) for on, l in zip(x[0].astype(int), logits))


def log_evidence_over_labels(x, weights):
    """log of the sum over labels of quadratures over z."""
    each = [under_normal(lambda z, k=k: np.exp(pixels(z, k, x, weights)), 0, 1) for k in range(4)]
    total = sum(estimate.value for estimate in each) / 4
    return Estimate(np.log(total), sum(estimate.error for estimate in each) / total)


def each_by_hand(x, weights, lam):
    """Bound on log p(x, k) of every label: average of log joint less log q under q."""
    def bound(k):
        mean, sd = lam[k, 0], np.exp(lam[k, 1])
        return under_normal(lambda z: pixels(z, k, x, weights) + stats.norm.logpdf(z) - stats.norm.logpdf(z, mean, sd)
                            - np.log(4), mean, sd)

    return [bound(k) for k in range(4)]


def summed_by_hand(x, weights, lam):
    each = each_by_hand(x, weights, lam)
    return Estimate(np.log(sum(np.exp(bound.value) for bound in each)), sum(bound.error for bound in each))


def averaged_by_hand(x, weights, lam, r):
    each = each_by_hand(x, weights, lam)
    return Estimate(sum(p * bound.value for p, bound in zip(r, each)) + stats.entropy(r),
                    sum(bound.error for bound in each))


# ---- what labels are worth

def stage_labels(rng):
    """Two classes at half a distance either side of zero, two or three labels of each."""
    return dict(half=rng.uniform(0.9, 1.4), n=int(rng.integers(2, 4)))


def error_over_cuts(half, n):
    """The error of every cut, and of every cut the wrong way round, averaged over where the midpoint falls."""
    right = stats.norm.sf(0, 2 * half, np.sqrt(2 / n))
    of_cut = under_normal(lambda m: (stats.norm.cdf(m, half) + stats.norm.sf(m, -half)) / 2, 0, np.sqrt(1 / (2 * n)))
    return Estimate(right * of_cut.value + (1 - right) * (1 - of_cut.value), of_cut.error)


def error_of_the_best_rule(half):
    """Of the cut at zero."""
    return stats.norm.cdf(-half)


def overlap(half):
    """The smaller of the two densities, halved and integrated."""
    def smaller(x):
        return min(stats.norm.pdf(x, half), stats.norm.pdf(x, -half)) / 2

    return Estimate(*integrate.quad(smaller, *ENDS, epsabs=1e-12))


def stage_wrong(rng):
    """Clusters N(-c, 1) and N(c, 1), and labels that say whether x is above a threshold, which cuts the right cluster.
    Pieces of Gauss and Legendre end at the threshold.
    """
    c, threshold = rng.uniform(1.9, 2.3), rng.uniform(1.5, 1.9)
    t, w = special.roots_legendre(160)
    ends = [-12., 0., threshold, 12.]
    x = np.concatenate([(a + b) / 2 + (b - a) / 2 * t for a, b in zip(ends, ends[1:])])
    masses = np.concatenate([(b - a) / 2 * w for a, b in zip(ends, ends[1:])])
    masses = masses * (stats.norm.pdf(x, c) + stats.norm.pdf(x, -c)) / 2
    return dict(c=c, threshold=threshold, x=x[:, None], masses=masses,
                r=masses[:, None] * np.stack([x < threshold, x >= threshold], axis=1),
                clusters=Classes(np.zeros(2), np.array([[-c, 0.], [c, 0.]])))


def share_between(a, b, c):
    """Mass of the clusters between two points."""
    return sum(abs(stats.norm.cdf(b, m) - stats.norm.cdf(a, m)) for m in (-c, c)) / 2


def clusters_as_they_are(c):
    """Shares, means and log standard deviation of what x was drawn from."""
    return np.array([-np.log(2), -np.log(2), -c, 0, c, 0])


def em_without_labels(x, masses, clusters):
    """One step of EM from there, on a population that has no labels."""
    r = responsibilities(x, np.full(len(x), UNSEEN), clusters)
    return np.concatenate([np.ravel(part) for part in from_shares(x, masses[:, None] * r)])


def error_of_all_labels(x, r, threshold, c):
    """What the classes of a population get wrong, all labels seen: the mass between their boundary and the truth's."""
    theta = from_shares(x, r)
    (left, right), variance = theta.lam[:, 0], np.exp(2 * theta.lam[0, 1])
    boundary = (left + right) / 2 + variance * (theta.logits[0] - theta.logits[1]) / (right - left)
    return share_between(boundary, threshold, c)


def error_by_truncated_normals(threshold, c):
    """Moments of either side by SciPy's truncated normals, the boundary where the two classes are equally likely."""
    sides = []
    for low, high in ((-np.inf, threshold), (threshold, np.inf)):
        parts = [stats.truncnorm(low - m, high - m, loc=m) for m in (-c, c)]
        shares = [(stats.norm.cdf(high, m) - stats.norm.cdf(low, m)) / 2 for m in (-c, c)]
        moments = [sum(share * part.moment(k) for share, part in zip(shares, parts)) for k in (1, 2)]
        sides.append((sum(shares), moments[0] / sum(shares), moments[1]))
    sd = np.sqrt(sum(second - share * mean**2 for share, mean, second in sides))

    def log_odds(x):
        """Linear in x."""
        return np.subtract(*[np.log(share) + stats.norm.logpdf(x, mean, sd) for share, mean, _ in sides])

    cut = log_odds(0.) / (log_odds(0.) - log_odds(1.))
    return integrate.quad(lambda x: stats.norm.pdf(x, c) / 2 + stats.norm.pdf(x, -c) / 2, cut, threshold)[0]


def error_of_clusters(threshold, c):
    return share_between(0, threshold, c)


def clusters_by_quadrature(threshold, c):
    return integrate.quad(lambda x: (stats.norm.pdf(x - c) + stats.norm.pdf(x + c)) / 2, 0, threshold, epsabs=1e-13)[0]
