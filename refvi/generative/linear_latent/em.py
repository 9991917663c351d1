"""EM for probabilistic PCA and for factor analysis: the posterior of each z, then a regression of x on it.

Shapes as in model.py; `each` says whether every coordinate of x has a noise of its own (factor analysis) or all share
one (probabilistic PCA). Likelihoods and bounds are nats per datum. Rubin and Thayer (1982), EM algorithms for ML factor
analysis; Tipping and Bishop (1999), section 3.3 and appendix B.
"""
import numpy as np

from refvi.generative.linear_latent.model import Linear, deviations, log_likelihood, observed, posterior


# ---- one step

def e_step(x, theta):
    """E[z] of every datum (N, D), and the average over the data of E[z z'] (D, D)."""
    mean, precision = posterior(x, theta)
    return mean, np.linalg.inv(precision) + mean.T @ mean / len(x)


def m_step(x, moments, each):
    """theta of the highest expected log p(x, z): x regressed on z and on 1, and as noise what is left.

    moments: E[z] of every datum (N, D), and the average over the data of E[z z'] (D, D).
    """
    mean, second = moments
    centre, b = np.mean(mean, axis=0), np.mean(x, axis=0)
    cross = (x - b).T @ mean / len(x)
    W = np.linalg.solve(second - np.outer(centre, centre), cross.T).T
    whole = np.mean((x - b)**2, axis=0)
    left = whole - np.sum(W * cross, axis=1)
    if not each:
        whole, left = np.mean(whole), np.mean(left)
    if not np.all(left > 16 * np.finfo(float).eps * whole):
        what = f"x[:, {np.argmin(left / whole)}]" if each else "x"
        raise ValueError(f"z explains {what} to within rounding: the noise would fall to zero and the likelihood grow "
                         f"without end, take a smaller D{' or leave the column out' if each else ''}")
    return Linear(W, b - W @ centre, np.sqrt(left))


def em_step(x, theta, each):
    """theta after one step. Where b is the mean of the data, it stays there."""
    x = observed(x, theta)
    return m_step(x, e_step(x, theta), each)


def iterated(x, theta, each, steps):
    """theta after so many steps."""
    for _ in range(steps):
        theta = em_step(x, theta, each)
    return theta


def parts(theta):
    """W (n, D), b (n, 1) and the noise variances (n, 1) side by side: what a step returns, as one array."""
    return np.column_stack([theta.W, theta.b, deviations(theta)**2])


# ---- why it climbs

def bound(x, theta, moments, precision):
    """E[log p(x, z)] under q, and q's entropy, in nats per datum, for q with these moments and this precision."""
    mean, second = moments
    D, sd = len(second), deviations(theta)
    W, off = theta.W / sd[:, None], (x - theta.b) / sd
    squares = np.mean(np.sum(off**2, axis=1)) - 2 * np.sum(W * (off.T @ mean / len(x))) + np.sum(W.T @ W * second)
    log_likelihood_of_z = -0.5 * (len(sd) * np.log(2 * np.pi) + 2 * np.sum(np.log(sd)) + squares)
    log_prior = -0.5 * (D * np.log(2 * np.pi) + np.trace(second))
    entropy = 0.5 * (D * (1 + np.log(2 * np.pi)) - np.linalg.slogdet(precision)[1])
    return log_likelihood_of_z + log_prior + entropy


def bound_touches(x, theta):
    """The bound at the posterior of the same theta, where it is the likelihood."""
    return bound(x, theta, e_step(x, theta), posterior(x, theta)[1])


def bound_after_m_step(x, theta, each):
    """The bound of the same q at the theta where it is highest."""
    moments = e_step(x, theta)
    return bound(x, m_step(x, moments, each), moments, posterior(x, theta)[1])


def likelihood_after_m_step(x, theta, each):
    """The likelihood at the new theta, which the bound of the old q no longer touches."""
    return log_likelihood(x, em_step(x, theta, each))


# ---- what one step is: W, b and variances (n, D + 2)

def regression_on_moments(x, theta, each):
    """x regressed on z by its posterior moments, and the squares that are left on average."""
    return parts(em_step(x, theta, each))


# ---- where it ends

def likelihood_after_em(x, theta, each, steps):
    """The likelihood after so many steps."""
    return log_likelihood(x, iterated(x, theta, each, steps))
