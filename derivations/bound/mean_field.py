"""Companion of mean_field.md: its rows, its stages and its referees."""
import autograd.numpy as anp
import numpy as np
from scipy import integrate, optimize, special, stats

from refvi import Family, diagonal_normal, normal
from refvi.bound.mean_field import (divergence_of_best_product, divergence_of_normals,      # noqa: F401
                                    excess_of_log_precisions, half_for_all_dimensions, half_the_volume,
                                    inverse_diagonal_precision, marginal_variance, mean_under_p, mean_under_q,
                                    moments_of_closest_forward, moments_of_closest_reverse, trace_inverted,
                                    variance_of_best_product, variance_of_closest_normal)


def zero():
    return 0.


def first_two(z):
    """z and its square, of every coordinate."""
    return np.stack([z, z**2], axis=-1)


def on_grid(low, high, n):
    """The normal family with nodes that do not follow lam: for targets with long tails, or with more than one hump."""
    z, w = np.linspace(low, high, n, retstep=True)
    return Family(normal.log_prob, normal.sample, lambda lam, order=64: (z, np.full(n, w)), normal.transport)


# ---- targets of both divergences

def stage_log_gamma(rng):
    """The logarithm of a gamma variable: a skewed density whose moments are polygammas."""
    a, lam = rng.uniform(0.5, 0.7), np.array([rng.uniform(-0.6, -0.3), rng.uniform(-0.4, -0.2)])
    mu, sd = lam[0], np.exp(lam[1])
    target = stats.loggamma(a)
    return dict(q=on_grid(-75, 17, 1500), lam=lam, log_target=lambda z: a * z - anp.exp(z) - special.gammaln(a), T=first_two,
                exact_divergence=lambda: special.gammaln(a) - a * mu + np.exp(mu + sd**2 / 2) - 0.5 * np.log(2 * np.pi * np.e * sd**2),
                moments_of_target=lambda: np.array([target.mean(), target.var() + target.mean()**2]),
                variance_of_target=lambda: special.polygamma(1, a),
                variance_by_search=lambda: 1 / a)


def stage_two_humps(rng):
    """Two normals apart: KL(p || q) covers both, KL(q || p) sits on the one where its descent began."""
    pi, mu, sd = rng.uniform(0.3, 0.4), np.array([rng.uniform(-1.6, -1.4), rng.uniform(1.5, 1.8)]), rng.uniform(0.45, 0.6, 2)
    lam = np.array([rng.uniform(1.1, 1.3), rng.uniform(-0.3, -0.2)])
    weights = np.array([pi, 1 - pi])

    def log_target(z):
        return anp.logaddexp(*(anp.log(w) - 0.5 * ((z - m) / s)**2 - np.log(s) - 0.5 * np.log(2 * np.pi) for w, m, s in zip(weights, mu, sd)))

    def divergence():
        def ratio(z):
            return stats.norm.logpdf(z, lam[0], np.exp(lam[1])) - np.log(stats.norm.pdf(z, mu, sd) @ weights)
        low, high = lam[0] - 9 * np.exp(lam[1]), lam[0] + 9 * np.exp(lam[1])
        return stats.norm.expect(ratio, loc=lam[0], scale=np.exp(lam[1]), lb=low, ub=high, epsabs=1e-12, epsrel=1e-12)

    return dict(q=on_grid(-12, 12, 800), lam=lam, log_target=log_target, T=first_two, exact_divergence=divergence,
                moments_of_target=lambda: np.array([weights @ mu, weights @ (mu**2 + sd**2)]))


def stage_pair(rng):
    """Two dependent yes-or-no variables, z in 0..3 for their pairs, and a product of two: every expectation a sum of four terms."""
    table = np.array([[0.54, 0.05], [0.08, 0.33]]) + rng.uniform(-0.02, 0.02, (2, 2))
    table, lam = table / table.sum(), np.array([-2.2, -1.8]) + rng.uniform(-0.2, 0.2, 2)
    first, second = (1 / (1 + np.exp(-v)) for v in lam)
    product = np.outer([1 - first, first], [1 - second, second])

    def log_prob(z, lam):
        bits = np.stack([np.asarray(z) // 2, np.asarray(z) % 2], axis=-1)
        return anp.sum(bits * lam - anp.log1p(anp.exp(lam)), axis=-1)

    q = Family(log_prob, lambda rng, lam, size: None, lambda lam, order=64: (np.arange(4), np.ones(4)))
    return dict(q=q, lam=lam, log_target=lambda z: np.log(table.ravel())[z], T=lambda z: np.stack([z // 2, z % 2], axis=-1).astype(float),
                exact_divergence=lambda: np.sum(product * np.log(product / table)), moments_of_target=lambda: np.array([table[1].sum(), table[:, 1].sum()]))


def stage_plane(rng):
    """A correlated normal in the plane, and a product of two normals."""
    sd, rho, mean = rng.uniform([0.7, 1.1], [0.9, 1.4]), rng.uniform(0.6, 0.75), rng.uniform([0.3, -0.6], [0.6, -0.3])
    covariance = np.outer(sd, sd) * np.array([[1, rho], [rho, 1]])
    lam = np.concatenate([mean + rng.uniform(0.2, 0.3, 2), np.log(sd) + rng.uniform(-0.4, -0.2, 2)])
    q_covariance, precision = np.diag(np.exp(2 * lam[2:])), np.linalg.inv(covariance)
    constant = -0.5 * np.linalg.slogdet(covariance)[1] - np.log(2 * np.pi)
    target, own = stats.multivariate_normal(mean, covariance), stats.multivariate_normal(lam[:2], q_covariance)

    def cross_entropy():
        """-E_q[log p], quadratic: its value at the mean and its curvature along each axis."""
        return -target.logpdf(lam[:2]) + 0.5 * sum(precision[d, d] * q_covariance[d, d] for d in range(2))

    return dict(q=diagonal_normal, lam=lam, log_target=lambda z: constant - 0.5 * anp.sum((z - mean) @ precision * (z - mean), axis=-1),
                T=lambda z: np.concatenate([z, z**2], axis=-1), exact_divergence=lambda: cross_entropy() - own.entropy(),
                moments_of_target=lambda: np.concatenate([mean, np.diag(covariance) + mean**2]), covariance=covariance,
                conditional_variance=lambda: np.array([covariance[d, d] - covariance[0, 1]**2 / covariance[1 - d, 1 - d] for d in range(2)]),
                shrunk_by_correlation=lambda: (1 - rho**2) * sd**2, mutual_information=lambda: -0.5 * np.log(1 - rho**2))


# ---- the divergence of two normals

def stage_two_normals(rng):
    """Three dimensions, two covariances that commute with nothing; the expectation of a quadratic by Gauss and Hermite's rule."""
    roots = rng.uniform(-0.3, 0.3, (2, 3, 3)) + np.array([np.diag([1.4, 1.7, 2.1]), np.diag([0.8, 0.6, 0.9])])
    prior_covariance, covariance = (root @ root.T for root in roots)
    mu, mean = rng.uniform(0.3, 0.9, 3), rng.uniform(-0.9, -0.3, 3)
    p, q = stats.multivariate_normal(mean, prior_covariance), stats.multivariate_normal(mu, covariance)

    def mean_log_ratio():
        t, w = np.polynomial.hermite_e.hermegauss(4)
        grid = np.stack(np.meshgrid(t, t, t, indexing="ij"), axis=-1).reshape(-1, 3)
        z = mu + grid @ np.linalg.cholesky(covariance).T
        return np.einsum("i,j,k->ijk", w, w, w).ravel() / w.sum()**3 @ (q.logpdf(z) - p.logpdf(z))

    return dict(mu=mu, covariance=covariance, mean=mean, prior_covariance=prior_covariance, mean_log_ratio=mean_log_ratio)


# ---- one normal for a target that is none

def search(log_target, low, high, points=None):
    """Variance of the normal about zero with the highest bound, by a search over standard deviations and SciPy's quadrature."""
    def slope(sd):
        """Derivative of E_q[log p] + log sd in sd, times sd: E[(t^2 - 1) log p(sd t)] + 1."""
        return integrate.quad(lambda t: 2 * stats.norm.pdf(t) * (t * t - 1) * log_target(sd * t), 0, 11, points=points and [v / sd for v in points],
                              epsabs=1e-13, epsrel=1e-12, limit=400)[0] + 1
    return optimize.brentq(slope, low, high, xtol=1e-13)**2


def stage_quartic(rng):
    """p(z) proportional to exp(-c z^4), flatter than a normal at the top and thinner in the tails."""
    c = rng.uniform(0.8, 1.3)
    log_mass = np.log(2 * special.gamma(1.25)) - 0.25 * np.log(c)
    return dict(q=normal, lam=np.array([0.1, rng.uniform(-0.5, -0.3)]), log_target=lambda z: -c * z**4 - log_mass,
                variance_of_target=lambda: special.gamma(0.75) / special.gamma(0.25) / np.sqrt(c), variance_by_search=lambda: 1 / np.sqrt(12 * c))


def about_zero(lam, order=600):
    """Nodes that crowd around zero, where a spike may hide, and thin out exponentially."""
    t, h = np.linspace(-9, 9, order, retstep=True)
    return 0.004 * np.sinh(t), 0.004 * np.cosh(t) * h


def stage_spike_and_slab(rng):
    """A needle in a broad normal, both about zero: here the closest normal is the wider one."""
    pi, spike, slab = rng.uniform(0.43, 0.47), rng.uniform(0.009, 0.011), rng.uniform(0.95, 1.05)

    def log_target(z):
        return anp.logaddexp(np.log(pi) - 0.5 * (z / spike)**2 - np.log(spike), np.log(1 - pi) - 0.5 * (z / slab)**2 - np.log(slab)) - 0.5 * np.log(2 * np.pi)

    return dict(q=Family(normal.log_prob, normal.sample, about_zero, normal.transport), lam=np.array([0., rng.uniform(-0.1, 0.1)]), log_target=log_target,
                variance_of_spike_and_slab=lambda: pi * spike**2 + (1 - pi) * slab**2,
                variance_by_search=lambda: search(lambda z: float(log_target(z)), 0.5, 1.5, [spike, 2 * spike, 4 * spike, 8 * spike]))
