"""Companion of marginal_gradient.md: its rows, its stages and its referees."""
import itertools

import autograd.numpy as anp
import numpy as np
from referees import by_differences
from scipy import integrate, optimize, special, stats

from refvi import Estimate, Family, Model, categorical, diagonal_normal, gamma, noise, normal
from refvi.base.core import expectation, gradient_of_each
from refvi.marginal.marginal_gradient.mixture import expectation_maximization, gradient as mixture_gradient
from refvi.marginal.marginal_gradient.rows import (gradient_of_joint, gradient_of_log_integral,      # noqa: F401
                                                   joint_over_evidence, log_derivative, posterior_average,
                                                   posterior_expectation, prior_and_likelihood, ratio_of_integrals,
                                                   squared_deviation, variance_of_one_term)


# ---- two slips

def prior_expectation(p, x, theta, prior_nodes):
    """The slip: the expectation under the prior, as if x had not been seen."""
    z, w = prior_nodes
    return (w * np.exp(p.log_prior(z, theta))) @ gradient_of_joint(p, z, x, theta)


def likelihood_alone(p, x, theta, q, lam):
    """The slip: the gradient of the log prior forgotten."""
    return expectation(lambda z: gradient_of_each(lambda z, theta: p.log_likelihood(x, z, theta), z, theta), q, lam)


# ---- mixtures of three normals whose means and scales a small network computes from the component's number

H, CODE = 3, np.array([-1.2, 0.3, 1.1])
HIDDEN, HEADS = [[0.9, -0.8, 1.0], [0.2, -0.1, -0.3]], [[0.9, -0.8, 1.0, 0.4], [0.3, 0.5, -0.4, -0.2]]
LOGITS = np.array([0.4, -0.4, 0.5])


def component(z, theta):
    """(mu, log sigma) of component z: a layer of three tanh units and two outputs; theta may carry sample axes."""
    h = anp.tanh(CODE[z][..., None] * theta[..., :H] + theta[..., H:2 * H])
    mu = anp.sum(h * theta[..., 2 * H:3 * H], axis=-1) + theta[..., 3 * H]
    return mu, 0.4 * anp.tanh(anp.sum(h * theta[..., 3 * H + 1:4 * H + 1], axis=-1) + theta[..., 4 * H + 1])


def mixture_likelihood(x, z, theta):
    mu, log_sigma = component(z, theta)
    return normal.log_prob(x, anp.stack([mu, log_sigma], axis=-1))


def density_by_scipy(k, x, theta):
    """p(x | z = k, theta), one unit at a time."""
    h = [np.tanh(CODE[k] * theta[j] + theta[H + j]) for j in range(H)]
    mu = sum(h[j] * theta[2 * H + j] for j in range(H)) + theta[3 * H]
    log_sigma = 0.4 * np.tanh(sum(h[j] * theta[3 * H + 1 + j] for j in range(H)) + theta[4 * H + 1])
    return stats.norm.pdf(x, mu, np.exp(log_sigma))


def mixture_stage(rng, learned):
    """learned: the prior's logits are the last three entries of theta; otherwise they are fixed."""
    centre = np.concatenate([*HIDDEN, *HEADS, LOGITS if learned else []])
    theta = centre + rng.uniform(-0.08, 0.08, len(centre))      # means near -2, 1 and 2.5
    fixed, x = LOGITS + rng.uniform(-0.1, 0.1, 3), rng.uniform(0.6, 0.9)

    def prior_logits(theta):
        return theta[..., -3:] if learned else fixed

    def prior(theta):
        odds = np.exp(prior_logits(theta))
        return odds / odds.sum()

    def joint(theta, prior_at=None):
        """p(x, z | theta) of the three values of z by SciPy; prior_at: where the prior's parameters are held."""
        pi = prior(theta if prior_at is None else prior_at)
        return pi * np.array([density_by_scipy(k, x, theta) for k in range(3)])

    posterior = joint(theta) / joint(theta).sum()

    def variance_over_tuples(S):
        """Over all S-tuples of components, each as probable as its draws."""
        each = by_differences(lambda t: np.log(joint(t)), theta)
        tuples = list(itertools.product(range(3), repeat=S))
        probability = [np.prod(posterior[list(chosen)]) for chosen in tuples]

        def spread(each):
            averages = np.array([each[list(chosen)].mean(axis=0) for chosen in tuples])
            return probability @ (averages - posterior @ each)**2

        off = np.max(np.abs(each.value)) * np.max(each.error)
        return Estimate(spread(each.value), 8 * off)

    p = Model(lambda z, theta: categorical.log_prob(z, prior_logits(theta)), mixture_likelihood)
    lam = np.log(posterior)
    stage = dict(p=p, x=x, theta=theta, q=categorical, lam=lam, S=2, noise=noise(categorical, lam), at=np.arange(3),
                 prior_nodes=categorical.nodes(lam),
                 gradient_of_evidence=lambda: by_differences(lambda t: np.log(joint(t).sum()), theta),
                 posterior_density=lambda: posterior, variance_over_tuples=variance_over_tuples,
                 gradient_of_prior_mean=lambda: by_differences(lambda t: prior(theta) @ np.log(joint(t)), theta))
    if learned:
        stage |= dict(gradient_with_prior=lambda: by_differences(lambda t: np.log(joint(t).sum()), theta),
                      prior_held_fixed=lambda: by_differences(lambda t: np.log(joint(t, theta).sum()), theta))
    return stage


def stage_mixture(rng):
    return mixture_stage(rng, learned=False)


def stage_mixture_with_prior(rng):
    return mixture_stage(rng, learned=True)


# ---- a linear-Gaussian model

def stage_linear(rng):
    """z ~ N(m, s^2), x | z ~ N(w z + b, t^2), theta = (m, log s, w, b, log t): evidence N(w m + b, w^2 s^2 + t^2)."""
    m, log_s = rng.uniform(0.3, 0.6), rng.uniform(-0.4, -0.2)
    w, b, log_t = rng.uniform(1.2, 1.5), rng.uniform(-0.5, -0.2), rng.uniform(-0.6, -0.3)
    theta, x = np.array([m, log_s, w, b, log_t]), rng.uniform(1.6, 2.2)
    s, t = np.exp(log_s), np.exp(log_t)

    def log_likelihood(x, z, theta):
        return normal.log_prob(x, anp.stack([theta[..., 2] * z + theta[..., 3], theta[..., 4] + 0 * z], axis=-1))

    def slope(own):
        """By hand; own: whether the prior's two parameters move."""
        v = w**2 * s**2 + t**2
        d, dv = (x - w * m - b) / v, 0.5 * ((x - w * m - b)**2 / v**2 - 1 / v)
        return np.array([own * w * d, own * 2 * w**2 * s**2 * dv, m * d + 2 * w * s**2 * dv, d, 2 * t**2 * dv])

    precision = 1 / s**2 + w**2 / t**2
    mean = (m / s**2 + w * (x - b) / t**2) / precision

    def variance_by_polynomials(S):
        """Each gradient is A z^2 + B z + C: for z ~ N(mean, v) its variance is (B + 2 A mean)^2 v + 2 A^2 v^2."""
        e, v = x - b, 1 / precision
        A = np.array([0, 1 / s**2, -w / t**2, 0, w**2 / t**2])
        B = np.array([1 / s**2, -2 * m / s**2, e / t**2, -w / t**2, -2 * w * e / t**2])
        return ((B + 2 * A * mean)**2 * v + 2 * A**2 * v**2) / S

    def gradient_of_prior_mean():
        """E under N(m, s^2), by hand: the prior's own score has mean zero."""
        e = x - w * m - b
        return np.array([0, 0, (e * m - w * s**2) / t**2, e / t**2, (e**2 + w**2 * s**2) / t**2 - 1])

    p = Model(lambda z, theta: normal.log_prob(z, theta[..., :2]), log_likelihood)
    lam, at = np.array([mean, -0.5 * np.log(precision)]), mean + np.array([-0.7, 0.1, 0.9])
    return dict(p=p, x=x, theta=theta, q=normal, lam=lam, S=2, noise=noise(normal, lam), at=at,
                prior_nodes=normal.nodes(theta[:2]),
                gradient_of_evidence=lambda: slope(1), gradient_with_prior=lambda: slope(1),
                prior_held_fixed=lambda: slope(0),
                posterior_density=lambda: stats.norm.pdf(at, mean, precision**-0.5),
                variance_over_tuples=variance_by_polynomials, gradient_of_prior_mean=gradient_of_prior_mean)


# ---- counts whose rate was not seen

def stage_counts(rng):
    """z ~ Gamma(a, rate b), x | z ~ Poisson(c z), theta = (log a, log b, log c): a negative binomial by SciPy."""
    theta = np.array([rng.uniform(0.5, 0.9), rng.uniform(-0.6, -0.3), rng.uniform(0.2, 0.5)])
    x = int(rng.integers(6, 10))

    def log_likelihood(x, z, theta):
        rate = anp.exp(theta[..., 2])
        return x * anp.log(rate * z) - rate * z - special.gammaln(x + 1)

    def log_evidence(theta, prior_at=None):
        a, b = np.exp(theta[:2] if prior_at is None else prior_at[:2])
        return stats.nbinom.logpmf(x, a, b / (b + np.exp(theta[2])))

    p = Model(lambda z, theta: gamma.log_prob(z, theta[..., :2]), log_likelihood)
    a, b, c = np.exp(theta)
    lam, at = np.log([a + x, b + c]), (a + x) / (b + c) * np.array([0.6, 1.1, 1.7])
    return dict(p=p, x=x, theta=theta, q=gamma, lam=lam, S=2, noise=noise(gamma, lam), at=at,
                gradient_of_evidence=lambda: by_differences(log_evidence, theta),
                gradient_with_prior=lambda: by_differences(log_evidence, theta),
                prior_held_fixed=lambda: by_differences(lambda t: log_evidence(t, theta), theta),
                posterior_density=lambda: stats.gamma.pdf(at, a + x, scale=1 / (b + c)))


# ---- a categorical whose logits are linear in a latent point of the plane

def hermite(order):
    """(points (order^2, 2), weights) of Gauss and Hermite for N(0, I) in the plane, another rule than the families'."""
    t, w = np.polynomial.hermite_e.hermegauss(order)
    return np.stack(np.meshgrid(t, t), -1).reshape(-1, 2), np.outer(w, w).ravel() / (2 * np.pi)


def share_of(x, z, theta):
    """p(x | z) of points z (n, 2) under logits W z + b."""
    odds = np.exp(z @ theta[:6].reshape(3, 2).T + theta[6:])
    return odds[:, x] / odds.sum(axis=1)


def by_two_orders(f):
    """f(points, weights) at order 70; the error is its own and what order 50 changes."""
    fine, coarse = (f(*hermite(order)) for order in (70, 50))
    return Estimate(fine.value, fine.error + np.abs(fine.value - coarse.value))


def stage_softmax(rng):
    """z ~ N(0, I) in the plane, x | z one of three outcomes; exact posterior draws by rejection from the prior."""
    theta, x = rng.uniform(0.5, 0.9, 9) * [1, -1, 1, 1, -1, -1, 1, -1, 1], 1
    standard = np.zeros(4)

    def log_likelihood(x, z, theta):
        logits = [anp.sum(z * theta[..., 2 * v:2 * v + 2], axis=-1) + theta[..., 6 + v] for v in range(3)]
        return categorical.log_prob(x, anp.stack(logits, axis=-1))

    def draw(rng, lam, size):
        """Prior draws, kept with probability p(x|z), which is at most one."""
        count = int(np.prod(size))
        z, missing = np.empty((count, 2)), np.arange(count)
        while len(missing):
            z[missing] = rng.standard_normal((len(missing), 2))
            missing = missing[np.log(rng.random(len(missing))) > log_likelihood(x, z[missing], theta)]
        return z.reshape(*size, 2)

    def evidence(z, w):
        return w @ share_of(x, z, theta)

    def density():
        of_prior = stats.multivariate_normal.pdf(at, np.zeros(2), np.eye(2))
        return by_two_orders(lambda z, w: Estimate(of_prior * share_of(x, at, theta) / evidence(z, w), 0.))

    def slope_of_evidence():
        return by_two_orders(lambda z, w: by_differences(lambda t: np.log(w @ share_of(x, z, t)), theta))

    def slope_of_prior_mean():
        return by_two_orders(lambda z, w: by_differences(lambda t: w @ np.log(share_of(x, z, t)), theta))

    p = Model(lambda z, theta: diagonal_normal.log_prob(z, standard), log_likelihood)
    log_evidence = np.log(evidence(*hermite(70)))
    q = Family(lambda z, lam: p.log_joint(z, x, theta) - log_evidence, draw,
               lambda lam, order=64: diagonal_normal.nodes(standard, 2 * order))
    at = np.array([[0.3, -0.4], [-0.9, 0.2], [0.1, 1.1]])
    return dict(p=p, x=x, theta=theta, q=q, lam=standard, S=1, noise=noise(q, standard), at=at,
                prior_nodes=q.nodes(standard),
                posterior_density=density, gradient_of_evidence=slope_of_evidence,
                gradient_of_prior_mean=slope_of_prior_mean)


# ---- EM

def stage_em(rng):
    """Two clusters of data; theta = (logits, mu, log sigma) of two components, two numbers each."""
    left = -1.7 + 0.5 * stats.norm.ppf((np.arange(14) + 0.5) / 14)
    right = 1.4 + 0.7 * stats.norm.ppf((np.arange(22) + 0.5) / 22)
    data = np.concatenate([left, right]) + rng.uniform(-0.15, 0.15, 36)
    return dict(data=data, start=np.array([0.2, -0.1, -0.9, 0.8, 0.1, 0.3]) + rng.uniform(-0.05, 0.05, 6))


def mixture_log_likelihood(x, theta):
    """By SciPy, for the referees."""
    pi = np.exp(theta[:2]) / np.exp(theta[:2]).sum()
    return np.sum(np.log(sum(pi[k] * stats.norm.pdf(x, theta[2 + k], np.exp(theta[4 + k])) for k in range(2))))


def local_maximum(data, start):
    """Means and log scales where BFGS ends; the error is what the slope that is left, and its own error, are worth."""
    def down(theta):
        return by_differences(lambda t: -mixture_log_likelihood(data, t), theta)

    found = optimize.minimize(lambda t: -mixture_log_likelihood(data, t), start, jac=lambda t: down(t).value,
                              options=dict(gtol=1e-9))
    slope = down(found.x)
    return Estimate(found.x[2:], (np.abs(found.hess_inv) @ (np.abs(slope.value) + slope.error))[2:])


def em_fixed_point(data, start):
    """Means and log scales after five hundred steps of EM."""
    theta = start[:2], start[2:4], start[4:]
    for _ in range(500):
        theta = expectation_maximization(data, *theta)
    return np.concatenate(theta[1:])


def at_the_start(data, start):
    return mixture_gradient(data, start[:2], start[2:4], start[4:]).value


def start_by_scipy(data, start):
    return mixture_log_likelihood(data, start)


def after_one_step(data, start):
    return mixture_gradient(data, *expectation_maximization(data, start[:2], start[2:4], start[4:])).value


def step_by_hand(data, start):
    """Responsibilities by Bayes' rule, then SciPy's normal with the weighted means and standard deviations."""
    pi = np.exp(start[:2]) / np.exp(start[:2]).sum()
    joint = [pi[k] * stats.norm.pdf(data, start[2 + k], np.exp(start[4 + k])) for k in range(2)]
    total = 0.
    for part in joint:
        share = part / sum(joint)
        mean = np.average(data, weights=share)
        sd = np.sqrt(np.average((data - mean)**2, weights=share))
        total = total + np.mean(share) * stats.norm.pdf(data, mean, sd)
    return np.log(total).sum()


def log_ten():
    return np.log(10.)


def gain_of_a_tenth(data, start):
    """What the log-likelihood gains if a component on the first datum shrinks from an sd of 1e-12 to a tenth of it."""
    def at(log_sd):
        return mixture_log_likelihood(data, np.array([start[0], start[1], data[0], start[3], log_sd, start[5]]))

    return at(np.log(1e-13)) - at(np.log(1e-12))


# ---- where the exchange fails

def stage_moving_support(rng):
    """z uniform on (0, edge), x = z + N(0, 1); x is seen."""
    return dict(edge=rng.uniform(1.7, 2.4), seen=rng.uniform(0.8, 1.2))


def true_slope_of_the_edge(edge, seen):
    """log of (1/edge) (Phi(edge - x) - Phi(-x)), differentiated by hand."""
    return stats.norm.pdf(edge - seen) / (stats.norm.cdf(edge - seen) - stats.norm.cdf(-seen)) - 1 / edge


def identity_and_edge(edge, seen):
    """The identity, and the joint density at the edge over the evidence; the evidence by quadrature."""
    def joint(z):
        return np.exp(-0.5 * (seen - z)**2) / np.sqrt(2 * np.pi) / edge

    evidence, error = integrate.quad(joint, 0, edge, epsabs=1e-13)
    boundary = joint(edge) / evidence
    return Estimate(-1 / edge + boundary, boundary * error / evidence)


def identity_alone(edge, seen):
    """The slip: the posterior average of what the log joint density changes inside the support."""
    z = (np.arange(2000) + 0.5) / 2000 * edge
    posterior = stats.norm.pdf(seen, z) / stats.norm.pdf(seen, z).sum()
    of_likelihood = stats.norm.logpdf(seen, z)
    slope = by_differences(lambda t: stats.uniform.logpdf(z, 0, t[0]) + of_likelihood, np.array([edge]), 1e-5)
    return Estimate(posterior @ slope.value[:, 0], slope.error.max())


def minus_one_over_edge(edge):
    return -1 / edge


def stage_step(rng):
    """p(x=1|z) is 0.9 above the threshold and 0.1 below, z ~ N(0, 1)."""
    return dict(threshold=rng.uniform(0.3, 0.6))


def true_slope_of_the_step(threshold):
    return -0.8 * stats.norm.pdf(threshold) / (0.9 - 0.8 * stats.norm.cdf(threshold))


def sharpened_step(threshold):
    """The identity for a sigmoid of sharpness k in the step's place; what is missing of the limit falls as 1/k^2."""
    u, h = np.linspace(-40, 40, 4001, retstep=True)         # k (z - threshold)

    def slope(k):
        """p(x=1) by parts, so that both integrals run over the sigmoid's own width."""
        density = stats.norm.pdf(threshold + u / k)
        rise = h / (4 * np.cosh(u / 2)**2)
        evidence = 0.1 + 0.8 * rise @ stats.norm.sf(threshold + u / k)
        return -0.8 * rise @ density / evidence

    few, more, most = slope(50.), slope(100.), slope(200.)
    return Estimate((4 * most - more) / 3, abs((4 * most - more) - (4 * more - few)) / 3)


def stage_cauchy(rng):
    """A step h of a difference quotient, small enough for the limit to show."""
    return dict(h=rng.uniform(0.5e-5, 2e-5))


def share_of_log_ten():
    return np.log(10) / (2 * np.pi)


def quotient(h):
    """(P(h) - P(0)) / h for z half-Cauchy and p(x=1|z) = sigmoid(theta z); z = exp(u) on a grid."""
    u, step = np.linspace(-40, 60, 20_001, retstep=True)
    return np.sum(np.tanh(0.5 * h * np.exp(u)) / (h * np.pi * (np.exp(-u) + np.exp(u)))) * step


def growth_of_the_quotient(h):
    """From h to a tenth of it; the error is what changes if h is ten times as small."""
    once, again = quotient(h / 10) - quotient(h), quotient(h / 100) - quotient(h / 10)
    return Estimate(again, abs(again - once))
