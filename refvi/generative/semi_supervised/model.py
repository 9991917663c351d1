"""Classes of normals with partly seen labels: the likelihood, and EM, which sums out the labels that were not seen.

Shapes: x (N, D), numbers or the codes of a VAE; labels (N,) integers, UNSEEN where nobody told; K classes, each with a
share and a normal. Log densities in nats. Without a prior all classes have one covariance; a prior (weight, S), S
(D, D), gives each its own, and counts as so many data of covariance S in each.
UA, "But why latent variable modelling?"; Nigam et al. (2000), Text classification from labeled and unlabeled documents.
"""
from typing import NamedTuple

import autograd.numpy as np
from numpy.linalg import LinAlgError

from refvi.base.checks import require_count, require_finite, require_shape
from refvi.base.families.gaussian import full_normal
from refvi.base.optimize import never_down
from refvi.base.special import logsumexp

UNSEEN = -1


class Classes(NamedTuple):
    """theta."""
    logits: np.ndarray      # (K,) of the shares
    lam: np.ndarray         # (K, D (D + 3) / 2) of full_normal


def log_joint_of_each(x, theta):
    """log p(x_n, k) (N, K)."""
    return theta.logits - logsumexp(theta.logits) + full_normal.log_prob(x[:, None], theta.lam)


def possible(labels, K):
    """Which classes each datum may be of, (N, K) of booleans: its own, or all where the label is UNSEEN."""
    return (labels[:, None] == UNSEEN) | (labels[:, None] == np.arange(K))


def evidence_of_each(joint, labels):
    """log p(x_n, label) (N,) where the label was seen, log p(x_n) where not, from log p(x_n, k) (N, K)."""
    return logsumexp(np.where(possible(labels, joint.shape[1]), joint, -np.inf), axis=1)


def responsibilities(x, labels, theta):
    """p(k | x_n) (N, K), for a label that was seen a one in its place."""
    joint = log_joint_of_each(x, theta)
    evidence = evidence_of_each(joint, labels)
    return np.where(possible(labels, joint.shape[1]), np.exp(joint - evidence[:, None]), 0.)


def from_shares(x, r, prior=None):
    """Classes of highest likelihood for data that are shared out as r (N, K) says; with a prior, of highest posterior.
    """
    counts = np.sum(r, axis=0)
    mean = np.dot(r.T, x) / counts[:, None]
    scatter = np.array([np.dot((x - m).T * share, x - m) for m, share in zip(mean, r.T)])
    if prior is None:
        covariance = np.broadcast_to(np.sum(scatter, axis=0) / np.sum(counts), scatter.shape)
    else:
        weight, S = prior
        covariance = (scatter + weight * S) / (counts + weight)[:, None, None]
    R, (rows, columns) = roots_of(covariance), np.tril_indices(x.shape[1], -1)
    log_diagonal = np.log(np.diagonal(R, axis1=1, axis2=2))
    return Classes(np.log(counts / np.sum(counts)), np.concatenate([mean, log_diagonal, R[:, rows, columns]], axis=1))


def roots_of(covariance):
    """Lower triangular R (K, D, D) with R R' = covariance; ValueError where one is singular."""
    try:
        return np.linalg.cholesky(covariance)
    except LinAlgError:
        raise ValueError("the data of a class lie in a plane, and its covariance is singular: see more labels, leave "
                         "out coordinates that never change, or give a prior (weight, S)") from None


def objective(x, labels, theta, prior=None):
    """log of the density of all that was seen, in nats, and with a prior its log density in the covariances, up to a
    constant: weight times the average log density of data of covariance S around each class's mean.
    """
    value = np.sum(evidence_of_each(log_joint_of_each(x, theta), labels))
    if prior is None:
        return value
    weight, S = prior
    D = len(S)
    roots = np.linalg.cholesky(S) * np.sqrt(D)          # D points around the mean, whose squares average S
    points = theta.lam[:, None, :D] + roots.T
    return value + weight * np.sum(np.mean(full_normal.log_prob(points, theta.lam[:, None]), axis=1))


def require_data(x, labels, K):
    """(x, labels), or a ValueError: of every class at least one label must have been seen, and of one two."""
    x = require_finite("x", require_shape("x", x, (None, None), "(N=number of data, D=coordinates of each)"))
    given = np.asarray(labels).dtype
    labels = require_shape("labels", labels, (len(x),), f"one for each of the N={len(x)} data")
    if given.kind not in "i" or np.any((labels < UNSEEN) | (labels >= K)):
        raise ValueError(f"labels must be integers in 0..{K - 1}, or {UNSEEN} where they were not seen, got {given} "
                         f"from {labels.min():g} to {labels.max():g}")
    missing = np.setdiff1d(np.arange(K), labels)
    if len(missing):
        raise ValueError(f"no label of class {missing[0]} was seen: EM could not tell which cluster is meant by it")
    if np.sum(labels != UNSEEN) == K:
        raise ValueError("one label of each class says nothing of the spread: two of some class are needed to begin")
    return x, labels.astype(int)


def fit(x, labels, K, steps=100, prior=None, tolerance=1e-9):
    """Fit of Classes: EM from what the labels alone say; with steps=0 these.

    It ends where a step gains less than tolerance nats per datum. ValueError where a class has no label.
    """
    x, labels = require_data(x, labels, require_count("K", K))
    seen = labels != UNSEEN
    theta = from_shares(x[seen], 1. * possible(labels[seen], K), prior)
    return never_down(lambda theta: from_shares(x, responsibilities(x, labels, theta), prior),
                      lambda theta: objective(x, labels, theta, prior), theta, steps, "EM", tolerance * len(x))


def predict(x, theta):
    """The likeliest class (N,) of each datum."""
    return np.argmax(log_joint_of_each(x, theta), axis=1)
