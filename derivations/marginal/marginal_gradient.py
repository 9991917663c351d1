"""Companion of marginal_gradient.md: its rows, its stages and its referees."""
import itertools

import autograd.numpy as anp
import numpy as np
from referees import by_differences, complex_step
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


def density_by_hand(k, x, theta):
    """p(x | z = k, theta), one unit at a time; theta may be complex."""
    h = [np.tanh(CODE[k] * theta[j] + theta[H + j]) for j in range(H)]
    mu = sum(h[j] * theta[2 * H + j] for j in range(H)) + theta[3 * H]
    log_sigma = 0.4 * np.tanh(sum(h[j] * theta[3 * H + 1 + j] for j in range(H)) + theta[4 * H + 1])
    sigma = np.exp(log_sigma)
    return np.exp(-0.5 * ((x - mu) / sigma)**2) / sigma / np.sqrt(2 * np.pi)


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
        """p(x, z | theta) of the three values of z; prior_at: where the prior's parameters are held."""
        pi = prior(theta if prior_at is None else prior_at)
        return pi * np.array([density_by_hand(k, x, theta) for k in range(3)])

    posterior = joint(theta) / joint(theta).sum()

    def variance_over_tuples(S):
        """Over all S-tuples of components, each as probable as its draws."""
        each = complex_step(lambda t: np.log(joint(t)), theta)
        tuples = list(itertools.product(range(3), repeat=S))
        probability = [np.prod(posterior[list(chosen)]) for chosen in tuples]
        averages = np.array([each[list(chosen)].mean(axis=0) for chosen in tuples])
        return probability @ (averages - posterior @ each)**2

    p = Model(lambda z, theta: categorical.log_prob(z, prior_logits(theta)), mixture_likelihood)
    lam = np.log(posterior)
    stage = dict(p=p, x=x, theta=theta, q=categorical, lam=lam, S=2, noise=noise(categorical, lam), at=np.arange(3),
                 prior_nodes=categorical.nodes(lam),
                 gradient_of_evidence=lambda: complex_step(lambda t: np.log(joint(t).sum()), theta),
                 posterior_density=lambda: posterior, variance_over_tuples=variance_over_tuples,
                 gradient_of_prior_mean=lambda: complex_step(lambda t: prior(theta) @ np.log(joint(t)), theta))
    if learned:
        stage |= dict(gradient_with_prior=lambda: complex_step(lambda t: np.log(joint(t).sum()), theta),
                      prior_held_fixed=lambda: complex_step(lambda t: np.log(joint(t, theta).sum()), theta))
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


# ---- a z that cannot be

def stage_impossible(rng):
    """Three ways to wait for x, each a dead time and an exponential; x is shorter than the longest dead time."""
    theta = np.array([0.5, -0.2, 0.3, 0.4]) + rng.uniform(-0.1, 0.1, 4)         # three logits, log rate
    dead, x = np.array([0.2, 0.7, 2.5]), rng.uniform(1.2, 1.6)

    def log_likelihood(x, z, theta):
        log_rate, since = theta[..., 3], x - dead[z]
        return anp.where(since > 0, log_rate - anp.exp(log_rate) * since, -anp.inf)

    def joint(theta):
        return special.softmax(theta[:3]) * stats.expon.pdf(x, loc=dead, scale=np.exp(-theta[3]))

    with np.errstate(divide="ignore"):
        lam = np.log(joint(theta) / np.sum(joint(theta)))
    p = Model(lambda z, theta: categorical.log_prob(z, theta[..., :3]), log_likelihood)
    return dict(p=p, x=x, theta=theta, q=categorical, lam=lam, S=2, noise=noise(categorical, lam),
                gradient_of_evidence=lambda: by_differences(lambda t: np.log(np.sum(joint(t))), theta))


# ---- a categorical whose logits are linear in a latent point of the plane

def hermite(order):
    """(points (order^2, 2), weights) of Gauss and Hermite for N(0, I) in the plane, another rule than the families'."""
    t, w = np.polynomial.hermite_e.hermegauss(order)
    return np.array(list(itertools.product(t, t))), np.outer(w, w).ravel()


def share_of(x, z, theta):
    """p(x | z) of points z (n, 2) under logits W z + b."""
    return special.softmax(z @ theta[:6].reshape(3, 2).T + theta[6:], axis=1)[:, x]


def by_two_orders(f):
    """f(points, weights) at order 70; the error is its own and what order 50 changes."""
    fine, coarse = f(*hermite(order=70)), f(*hermite(order=50))
    return Estimate(fine.value, np.hypot(fine.error, fine.value - coarse.value))


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
        return np.average(share_of(x, z, theta), weights=w)

    def density():
        of_prior = stats.multivariate_normal.pdf(at, np.zeros(2), np.eye(2))
        return by_two_orders(lambda z, w: Estimate(of_prior * share_of(x, at, theta) / evidence(z, w), 0.))

    def slope_of_evidence():
        def of_log_evidence(z, w):
            return by_differences(lambda t: np.log(np.average(share_of(x, z, t), weights=w)), theta)

        return by_two_orders(of_log_evidence)

    def slope_of_prior_mean():
        def of_mean_log(z, w):
            return by_differences(lambda t: np.average(np.log(share_of(x, z, t)), weights=w), theta)

        return by_two_orders(of_mean_log)

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
    start = np.array([0.2, -0.1, -0.9, 0.8, 0.1, 0.3]) + rng.uniform(-0.05, 0.05, 6)
    top = uphill(data, start)

    def on_one_datum(sd):
        """The log-likelihood with the first component on the first datum."""
        return mixture_log_likelihood(data, np.array([*start[:2], data[0], start[3], np.log(sd), start[5]]))

    return dict(data=data, start=start, top=top.value, off=top.error, on_one_datum=on_one_datum, sd=1e-12)


def mixture_log_likelihood(x, theta):
    """By SciPy, for the referees."""
    logits, mu, log_sigma = np.split(theta, 3)
    return np.sum(np.log(stats.norm.pdf(x[:, None], mu, np.exp(log_sigma)) @ special.softmax(logits)))


def uphill(data, start):
    """Where BFGS ends; the error is what the slope that is left, and its own error, are worth."""
    def down(theta):
        return by_differences(lambda t: -mixture_log_likelihood(data, t), theta)

    found = optimize.minimize(lambda t: -mixture_log_likelihood(data, t), start, jac=lambda t: down(t).value,
                              options=dict(gtol=1e-9))
    slope = down(found.x)
    return Estimate(found.x, np.abs(found.hess_inv) @ (np.abs(slope.value) + slope.error))


def local_maximum(top, off):
    """Means and log scales where BFGS ends, and its error."""
    return Estimate(top[2:], off[2:])


def em_fixed_point(data, top):
    """Means and log scales after one step of EM from there."""
    return np.concatenate(expectation_maximization(data, *np.split(top, 3))[1:])


def at_the_start(data, start):
    return mixture_gradient(data, start[:2], start[2:4], start[4:]).value


def start_by_scipy(data, start):
    return mixture_log_likelihood(data, start)


def after_one_step(data, start):
    return mixture_gradient(data, *expectation_maximization(data, start[:2], start[2:4], start[4:])).value


def step_by_hand(data, start):
    """Responsibilities by Bayes' rule, then SciPy's normal with the weighted means and standard deviations."""
    logits, mu, log_sigma = np.split(start, 3)
    joint = (stats.norm.pdf(data[:, None], mu, np.exp(log_sigma)) * special.softmax(logits)).T
    total = 0.
    for part in joint:
        share = part / sum(joint)
        mean = np.average(data, weights=share)
        sd = np.sqrt(np.average((data - mean)**2, weights=share))
        total = total + np.mean(share) * stats.norm.pdf(data, mean, sd)
    return np.log(total).sum()


def log_ten():
    return np.log(10.)


def gain_of_a_tenth(on_one_datum, sd):
    """What the log-likelihood gains if a component on the first datum shrinks to a tenth of its standard deviation."""
    return on_one_datum(sd / 10) - on_one_datum(sd)


# ---- where the exchange fails

def stage_moving_support(rng):
    """z uniform on (0, edge), x = z + N(0, 1); x is seen."""
    return dict(edge=rng.uniform(1.7, 2.4), seen=rng.uniform(0.8, 1.2), z=rng.uniform(0.3, 0.9))


def true_slope_of_the_edge(edge, seen):
    """log of (1/edge) (Phi(edge - x) - Phi(-x)), differentiated by hand."""
    return stats.norm.pdf(edge - seen) / (stats.norm.cdf(edge - seen) - stats.norm.cdf(-seen)) - 1 / edge


def identity_and_edge(edge, seen):
    """The identity, and the joint density at the edge over the evidence, by Gauss and Legendre; the error is what half
    the order changes.
    """
    def slope(order):
        u, w = special.roots_sh_legendre(order)
        evidence = edge * np.sum(w * np.exp(-0.5 * (seen - edge * u)**2))            # over the joint density's constant
        return np.exp(-0.5 * (seen - edge)**2) / evidence - 1 / edge

    return Estimate(slope(order=40), np.abs(slope(order=40) - slope(order=20)))


def identity_alone(edge, z):
    """The slip: what the log joint density changes inside the support; its second factor p(x|z) does not change."""
    slope = by_differences(lambda t: stats.uniform.logpdf(z, 0, t[0]), np.array([edge]))
    return Estimate(slope.value[0], slope.error[0])


def minus_one_over_edge(edge):
    return -1 / edge


def stage_no_weight(rng):
    """Densities of a datum under three components, the last of weight zero; joint(w) when it has w, from the others."""
    heights, share = np.array([0.15, 0.25, 0.5]) + rng.uniform(-0.05, 0.05, 3), rng.uniform(0.3, 0.4)
    return dict(heights=heights, share=share, none=np.zeros(1),
                joint=lambda w: heights * np.array([share * (1 - w[0]), (1 - share) * (1 - w[0]), w[0]]))


def slope_at_no_weight(joint, none):
    slope = by_differences(lambda w: np.log(sum(joint(w))), none)
    return Estimate(slope.value[0], slope.error[0])


def slopes_of_the_joint(heights, share):
    first, second, last = heights
    evidence = share * first + (1 - share) * second
    return (last - evidence) / evidence


def zeros_left_out(joint, none):
    """The slip: the joint density times the slope of its logarithm, wherever it is not zero; over the evidence."""
    seen = joint(none) > 0
    slopes = complex_step(lambda w: np.log(joint(w)[seen]), none)[:, 0]
    return np.sum(joint(none)[seen] * slopes) / np.sum(joint(none))


def minus_one():
    return -1.


def stage_step(rng):
    """p(x=1|z) is 0.9 above the threshold and 0.1 below, z ~ N(0, 1)."""
    return dict(threshold=rng.uniform(0.3, 0.6), sharpness=(100., 200.))


def true_slope_of_the_step(threshold):
    return -0.8 * stats.norm.pdf(threshold) / (0.9 - 0.8 * stats.norm.cdf(threshold))


def sharpened_step(threshold, sharpness):
    """The identity for a sigmoid in the step's place; what is missing of the limit falls as one over its sharpness
    squared: doubling it changes more than that.
    """
    def slope(k):
        """p(x=1) by parts, so that both integrals run over the sigmoid's own width: u = k (z - threshold)."""
        def smooth(g):
            return integrate.quad(lambda u: special.expit(u) * special.expit(-u) * g(threshold + u / k),
                                  -np.inf, np.inf)[0]

        of_prior = smooth(lambda z: np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi))
        return -0.8 * of_prior / (0.1 + 0.8 * smooth(lambda z: special.ndtr(-z)))

    blunt, sharp = (slope(k) for k in sharpness)
    return Estimate(sharp, np.abs(sharp - blunt))


def stage_cauchy(rng):
    """A step h of a difference quotient, small enough for the limit to show."""
    return dict(h=rng.uniform(0.5e-7, 2e-7))


def share_of_log_ten():
    return np.log(10) / (2 * np.pi)


def growth_of_the_quotient(h):
    """From h to a tenth of it, for P(h) - P(0) = E tanh(h z/2)/2; h z is 10 h z/10: one tanh serves both quotients."""
    def change(z):
        return np.tanh(0.5 * h * z) / (np.pi * h) * (1 / (0.01 + z**2) - 1 / (1 + z**2))

    return Estimate(*integrate.quad(change, 0, np.inf, epsabs=1e-13, limit=200))
