"""Companion of mean_field.md: its rows, its stages and its referees."""
import autograd.numpy as anp
import numpy as np
from referees import under_normal
from scipy import integrate, optimize, special, stats

from refvi import Estimate, Family, diagonal_normal, normal
from refvi.bound.mean_field import (divergence_of_best_product, divergence_of_normals,      # noqa: F401
                                    divergence_to_marginals, excess_of_log_precisions, inverse_diagonal_precision,
                                    marginal_variance, mean_under_p, mean_under_q, minus_log_of_mean_ratio,
                                    moments_of_closest_forward, moments_of_closest_reverse,
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
    mean, variance = special.digamma(a), special.polygamma(1, a)

    def exact_divergence():
        """E_q[e^z] is the mean of a log-normal variable."""
        return special.gammaln(a) - a * mu + np.exp(mu + sd**2 / 2) - 0.5 * np.log(2 * np.pi * np.e * sd**2)

    def forward_exact():
        """Minus the entropy of p, a log gamma, and the cross entropy, which two moments of p give."""
        cross = 0.5 * np.log(2 * np.pi * sd**2) + 0.5 * (variance + (mean - mu)**2) / sd**2
        return cross + (a * mean - a - special.gammaln(a))

    def moments_at_balance():
        """The slopes of exp(mu + sd^2/2) - a mu - log sd are zero: sd^2 = 1/a, and mu + sd^2/2 = log a."""
        at = np.log(a) - 0.5 / a
        return np.array([at, 1 / a + at**2])

    return dict(q=on_grid(-75, 17, 1500), lam=lam, T=first_two, scale=1.,
                log_target=lambda z: a * z - anp.exp(z) - special.gammaln(a),
                exact_divergence=exact_divergence, forward_exact=forward_exact,
                moments_of_target=lambda: np.array([target.mean(), target.var() + target.mean()**2]),
                moments_at_balance=moments_at_balance, density=target.pdf, breaks=(-75., -4., 0., 12.),
                variance_of_target=lambda: variance, variance_by_search=lambda: 1 / a)


def stage_two_humps(rng):
    """Two normals apart: KL(p || q) covers both, KL(q || p) sits on the one where its descent began."""
    pi, sd = rng.uniform(0.3, 0.4), rng.uniform(0.45, 0.6, 2)
    mu = np.array([rng.uniform(-1.6, -1.4), rng.uniform(1.5, 1.8)])
    lam = np.array([rng.uniform(1.1, 1.3), rng.uniform(-0.3, -0.2)])
    weights = np.array([pi, 1 - pi])

    def log_target(z):
        humps = [np.log(w) + normal.log_prob(z, np.array([m, np.log(s)])) for w, m, s in zip(weights, mu, sd)]
        return anp.logaddexp(*humps)

    def log_density(z):
        return np.log(stats.norm.pdf(z, mu, sd) @ weights)

    def slope(z):
        """Of the log density: the humps' own slopes, weighed by their shares."""
        z = z[:, None]
        shares = special.softmax(np.log(weights) + stats.norm.logpdf(z, mu, sd), axis=1)
        return np.sum(shares * (mu - z) / sd**2, axis=1)

    def exact_divergence():
        mean, spread = lam[0], np.exp(lam[1])
        return under_normal(lambda z: stats.norm.logpdf(z, mean, spread) - log_density(z), mean, spread)

    def forward_exact():
        """Hump by hump."""
        def log_ratio(z):
            return log_density(z) - stats.norm.logpdf(z, lam[0], np.exp(lam[1]))

        parts = [under_normal(log_ratio, *hump) for hump in zip(mu, sd)]
        return Estimate(*(np.dot(weights, column) for column in zip(*parts)))

    def moments_at_balance():
        """Where E_q[slope] = 0 and E_q[(z - mean) slope] = -1, on the right hump (Bonnet, Stein), at three orders."""
        def found(order):
            t, w = np.polynomial.hermite_e.hermegauss(order)

            def off(v):
                g = slope(v[0] + np.exp(v[1]) * t)
                return [np.average(g, weights=w), np.average(t * g, weights=w) * np.exp(v[1]) + 1]

            mean, log_sd = optimize.root(off, [mu[1], np.log(sd[1])], tol=1e-13).x
            return np.array([mean, mean**2 + np.exp(2 * log_sd)])

        fine, near, far = found(order=160), found(order=120), found(order=90)
        return Estimate(fine, np.maximum(np.abs(fine - near), np.abs(fine - far) / 4))

    return dict(q=on_grid(-12, 12, 800), lam=lam, log_target=log_target, T=first_two, scale=1.,
                exact_divergence=exact_divergence, forward_exact=forward_exact,
                moments_of_target=lambda: np.array([weights @ mu, weights @ (mu**2 + sd**2)]),
                moments_at_balance=moments_at_balance)


def stage_pair(rng):
    """Two dependent yes-or-no variables, z in 0..3 for their pairs, and a product of two."""
    table = np.array([[0.54, 0.05], [0.08, 0.33]]) + rng.uniform(-0.02, 0.02, (2, 2))
    table, lam = table / table.sum(), np.array([-2.2, -1.8]) + rng.uniform(-0.2, 0.2, 2)

    def product(first, second):
        return np.outer([1 - first, first], [1 - second, second])

    own = product(*special.expit(lam))

    def log_prob(z, lam):
        bits = np.stack([np.asarray(z) // 2, np.asarray(z) % 2], axis=-1)
        return anp.sum(bits * lam - anp.log1p(anp.exp(lam)), axis=-1)

    def moments_at_balance():
        """Each logit is the other variable's mean of a difference of log probabilities."""
        log_table = np.log(table)

        def off(v):
            first, second = special.expit(v)
            return [v[0] - np.dot([1 - second, second], log_table[1] - log_table[0]),
                    v[1] - np.dot([1 - first, first], log_table[:, 1] - log_table[:, 0])]

        return special.expit(optimize.root(off, lam, tol=1e-13).x)

    q = Family(log_prob, lambda rng, lam, size: None, lambda lam, order=64: (np.arange(4), np.ones(4)))
    return dict(q=q, lam=lam, log_target=lambda z: np.log(table.ravel())[z], scale=1.,
                T=lambda z: np.stack([z // 2, z % 2], axis=-1).astype(float),
                exact_divergence=lambda: np.sum(special.rel_entr(own, table)),
                forward_exact=lambda: np.sum(special.rel_entr(table, own)),
                moments_of_target=lambda: np.array([table[1].sum(), table[:, 1].sum()]),
                moments_at_balance=moments_at_balance)


# ---- correlated normals, and products of normals

def correlated(rng, correlation, order):
    """A normal in D coordinates, and a product of D normals with that many nodes along each axis."""
    D = len(correlation)
    sd = np.linspace(0.7, 1.3, D) + rng.uniform(0, 0.2, D)
    mean = np.linspace(0.5, -0.5, D) + rng.uniform(-0.1, 0.1, D)
    covariance = np.outer(sd, sd) * correlation
    lam = np.concatenate([mean + rng.uniform(0.2, 0.3, D), np.log(sd) + rng.uniform(-0.4, -0.2, D)])
    precision, own_covariance = np.linalg.inv(covariance), np.diag(np.exp(2 * lam[D:]))
    constant = -0.5 * np.linalg.slogdet(covariance)[1] - 0.5 * D * np.log(2 * np.pi)
    target, own = stats.multivariate_normal(mean, covariance), stats.multivariate_normal(lam[:D], own_covariance)

    def log_target(z):
        return constant - 0.5 * anp.sum((z - mean) @ precision * (z - mean), axis=-1)

    def cross_entropy(p, p_covariance, at, spread):
        """-E[log p] under N(at, spread): log p is quadratic, its value at the mean and its curvature are enough."""
        return -p.logpdf(at) + 0.5 * np.trace(np.linalg.solve(p_covariance, spread))

    def schur(d):
        rest = np.arange(D) != d
        gain = np.linalg.solve(covariance[np.ix_(rest, rest)], covariance[rest, d])
        return covariance[d, d] - covariance[d, rest] @ gain

    def unexplained(d):
        """1 - rho_d^2, from determinants of correlations."""
        rest = np.arange(D) != d
        return np.linalg.det(correlation) / np.linalg.det(correlation[np.ix_(rest, rest)])

    conditional = np.array([schur(d) for d in range(D)])
    q = diagonal_normal._replace(nodes=lambda lam: diagonal_normal.nodes(lam, order))
    return dict(q=q, lam=lam, log_target=log_target, T=lambda z: np.concatenate([z, z**2], axis=-1), scale=1.,
                exact_divergence=lambda: cross_entropy(target, covariance, lam[:D], own_covariance) - own.entropy(),
                forward_exact=lambda: cross_entropy(own, own_covariance, mean, covariance) - target.entropy(),
                moments_of_target=lambda: np.concatenate([mean, np.diag(covariance) + mean**2]),
                moments_at_balance=lambda: np.concatenate([mean, conditional + mean**2]),
                covariance=covariance, conditional_variance=lambda: conditional,
                shrunk_by_correlation=lambda: sd**2 * np.array([unexplained(d) for d in range(D)]),
                squared_rows_of_root=lambda: np.sum(np.linalg.cholesky(covariance)**2, axis=1),
                dual_total_correlation=lambda: target.entropy() - stats.norm.entropy(0, conditional**0.5).sum())


def stage_plane(rng):
    """Two correlated coordinates."""
    rho = rng.uniform(0.55, 0.65)
    return correlated(rng, np.array([[1, rho], [rho, 1]]), 36)


def stage_space(rng):
    """Three correlated coordinates: here the two divergences charge a product two different prices."""
    a, b, c = rng.uniform(0.5, 0.7, 3)
    correlation = np.array([[1, a, b], [a, 1, c], [b, c, 1]])
    s = correlated(rng, correlation, 16)
    wanted = ("q", "lam", "log_target", "covariance", "conditional_variance", "shrunk_by_correlation",
              "squared_rows_of_root", "dual_total_correlation")
    own = {name: s[name] for name in wanted}
    return own | dict(total_correlation=lambda: -0.5 * np.log(np.linalg.det(correlation)))


def stage_two_normals(rng):
    """Three dimensions, two covariances that commute with nothing."""
    roots = rng.uniform(-0.3, 0.3, (2, 3, 3)) + np.array([np.diag([1.4, 1.7, 2.1]), np.diag([0.8, 0.6, 0.9])])
    prior_covariance, covariance = (root @ root.T for root in roots)
    mu, mean = rng.uniform(0.3, 0.9, 3), rng.uniform(-0.9, -0.3, 3)
    return dict(mu=mu, covariance=covariance, mean=mean, prior_covariance=prior_covariance)


def expected_log_ratio(mu, covariance, mean, prior_covariance):
    """E_q[log q - log p] with SciPy's densities, by a rule that is exact for a quadratic: the mean over 2 D points."""
    steps = np.sqrt(np.size(mu)) * np.linalg.cholesky(covariance).T
    z = np.vstack([mu + steps, mu - steps])
    log_q = stats.multivariate_normal.logpdf(z, mu, covariance)
    return np.mean(log_q - stats.multivariate_normal.logpdf(z, mean, prior_covariance))


def mean_log_ratio(mu, covariance, mean, prior_covariance):
    return expected_log_ratio(mu, covariance, mean, prior_covariance)


def half_for_all_dimensions(mu, covariance, mean, prior_covariance):
    """A slip: one half in all, where every dimension has its own."""
    step, volume = mu - mean, np.log(np.linalg.det(prior_covariance) / np.linalg.det(covariance))
    spread = np.trace(np.linalg.solve(prior_covariance, covariance))
    return 0.5 * (volume + spread + np.dot(step, np.linalg.solve(prior_covariance, step)) - 1)


def divergence_and_more(mu, covariance, mean, prior_covariance):
    return expected_log_ratio(mu, covariance, mean, prior_covariance) + (np.size(mu) - 1) / 2


# ---- one normal for a target of one dimension

def search(log_target, low, high, breaks):
    """Variance of the normal about zero with the highest bound, by a search over its standard deviation."""
    def slope(sd):
        """Derivative of E_q[log p] + log sd in sd, times sd: E[(t^2 - 1) log p(sd t)] + 1."""
        def under_q(t):
            return 2 * np.exp(-t**2 / 2) / np.sqrt(2 * np.pi) * (t**2 - 1) * log_target(sd * t)

        points = [v / sd for v in breaks]
        return integrate.quad(under_q, 0, 11, points=points, epsabs=1e-13, epsrel=1e-12, limit=400)[0] + 1

    return optimize.brentq(slope, low, high, xtol=1e-13)**2


def variance_by_quadrature(density, breaks):
    """Of a density between the first and the last of the breaks."""
    def under_p(g):
        return integrate.quad(lambda z: g(z) * density(z), breaks[0], breaks[-1], points=breaks, epsabs=1e-12,
                              epsrel=1e-11, limit=400)

    mean, _ = under_p(lambda z: z)
    return Estimate(*under_p(lambda z: (z - mean)**2))


def stage_quartic(rng):
    """p(z) proportional to exp(-c z^4), flatter than a normal at the top and thinner in the tails."""
    c = rng.uniform(0.8, 1.3)
    log_mass = np.log(2 * special.gamma(1.25)) - 0.25 * np.log(c)
    return dict(q=normal, lam=np.array([0.1, rng.uniform(-0.5, -0.3)]), log_target=lambda z: -c * z**4 - log_mass,
                density=lambda z: stats.gennorm.pdf(z, 4, scale=c**-0.25), breaks=(-4., 0., 4.),
                variance_of_target=lambda: special.gamma(0.75) / special.gamma(0.25) / np.sqrt(c),
                variance_by_search=lambda: 1 / np.sqrt(12 * c))


def about_zero(lam, order=600):
    """Nodes that crowd around zero, where a spike may hide, and thin out exponentially."""
    t, h = np.linspace(-9, 9, order, retstep=True)
    return 0.004 * np.sinh(t), 0.004 * np.cosh(t) * h


def stage_spike_and_slab(rng):
    """A needle in a broad normal, both about zero: here the closest normal is the wider one."""
    share, spike, slab = rng.uniform(0.43, 0.47), rng.uniform(0.009, 0.011), rng.uniform(0.95, 1.05)

    def log_target(z):
        needle = np.log(share) + normal.log_prob(z, np.array([0., np.log(spike)]))
        return anp.logaddexp(needle, np.log(1 - share) + normal.log_prob(z, np.array([0., np.log(slab)])))

    def density(z):
        return share * stats.norm.pdf(z, 0, spike) + (1 - share) * stats.norm.pdf(z, 0, slab)

    near = [spike, 2 * spike, 4 * spike, 8 * spike]
    return dict(q=normal._replace(nodes=about_zero), lam=np.array([0., rng.uniform(-0.1, 0.1)]), log_target=log_target,
                density=density, breaks=(-9., *(-v for v in near[::-1]), 0., *near, 9.),
                variance_of_spike_and_slab=lambda: share * spike**2 + (1 - share) * slab**2,
                variance_by_search=lambda: search(lambda z: np.log(density(z)), 0.5, 1.5, near))
