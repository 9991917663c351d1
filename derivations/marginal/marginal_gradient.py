"""Companion of marginal_gradient.md: its rows, its stages and its referees."""
import autograd.numpy as anp
import numpy as np
from scipy import integrate, optimize, stats

from refvi import Estimate, Family, Model, categorical, diagonal_normal, noise, normal
from refvi.marginal.marginal_gradient.mixture import expectation_maximization, gradient as mixture_gradient
from refvi.marginal.marginal_gradient.rows import (gradient_of_log_integral, joint_over_evidence,      # noqa: F401
                                                   likelihood_alone, log_derivative, posterior_average,
                                                   posterior_expectation, prior_and_likelihood, prior_expectation,
                                                   ratio_of_integrals)


def central(f, theta, h=1e-5):
    """Central differences of f, with the error that a step twice as large shows."""
    def once(h):
        return np.array([(f(theta + h * e) - f(theta - h * e)) / (2 * h) for e in np.eye(len(theta))])
    return Estimate(once(h), np.max(np.abs(once(h) - once(2 * h))))


# ---- mixtures of three normals whose means and scales a small network computes from the component's number

H, CODE = 3, np.array([-1.2, 0.3, 1.1])


def component(z, theta):
    """(mu, log sigma) of component z: a hidden layer of three tanh units and two outputs; theta may carry sample axes."""
    h = anp.tanh(CODE[z][..., None] * theta[..., :H] + theta[..., H:2 * H])
    mu = anp.sum(h * theta[..., 2 * H:3 * H], axis=-1) + theta[..., 3 * H]
    return mu, 0.4 * anp.tanh(anp.sum(h * theta[..., 3 * H + 1:4 * H + 1], axis=-1) + theta[..., 4 * H + 1])


def mixture_likelihood(x, z, theta):
    mu, log_sigma = component(z, theta)
    return normal.log_prob(x, anp.stack([mu, log_sigma], axis=-1))


def mixture_stage(rng, learned):
    """learned: the prior's logits are the last three entries of theta; otherwise they are fixed."""
    centre = np.concatenate([[0.9, -0.8, 1.0], [0.2, -0.1, -0.3], [0.9, -0.8, 1.0, 0.4], [0.3, 0.5, -0.4, -0.2], *([[0.4, -0.4, 0.5]] if learned else [])])
    theta = centre + rng.uniform(-0.08, 0.08, len(centre))      # means near -2, 1 and 2.5
    fixed, x = np.array([0.4, -0.4, 0.5]) + rng.uniform(-0.1, 0.1, 3), rng.uniform(0.6, 0.9)
    p = Model((lambda z, theta: categorical.log_prob(z, theta[..., -3:])) if learned else (lambda z, theta: categorical.log_prob(z, fixed)), mixture_likelihood)

    def evidence(theta):
        """SciPy's densities, one component at a time."""
        logits = theta[-3:] if learned else fixed
        pi = np.exp(logits) / np.sum(np.exp(logits))
        total = 0.
        for k in range(3):
            h = [np.tanh(CODE[k] * theta[j] + theta[H + j]) for j in range(H)]
            mu = sum(h[j] * theta[2 * H + j] for j in range(H)) + theta[3 * H]
            log_sigma = 0.4 * np.tanh(sum(h[j] * theta[3 * H + 1 + j] for j in range(H)) + theta[4 * H + 1])
            total += pi[k] * stats.norm.pdf(x, mu, np.exp(log_sigma))
        return total

    log_joint = p.log_joint(np.arange(3), x, theta)
    closed_posterior = np.exp(log_joint) / np.sum(np.exp(log_joint))
    stage = dict(p=p, x=x, theta=theta, q=categorical, lam=np.log(closed_posterior), S=2, noise=noise(categorical, np.log(closed_posterior)),
                 gradient_of_evidence=lambda theta: central(lambda t: np.log(evidence(t)), theta), at=np.arange(3),
                 posterior_density=lambda: closed_posterior)
    return stage | (dict(learning=lambda theta: central(lambda t: np.log(evidence(t)), theta)) if learned else {})


def stage_mixture(rng):
    return mixture_stage(rng, learned=False)


def stage_mixture_with_prior(rng):
    return mixture_stage(rng, learned=True)


def stage_linear(rng):
    """z ~ N(m, s^2), x | z ~ N(w z + b, t^2), all in theta = (m, log s, w, b, log t): the evidence is N(w m + b, w^2 s^2 + t^2)."""
    theta = np.array([rng.uniform(0.3, 0.6), rng.uniform(-0.4, -0.2), rng.uniform(1.2, 1.5), rng.uniform(-0.5, -0.2), rng.uniform(-0.6, -0.3)])
    m, s, w, b, t = theta[0], np.exp(theta[1]), theta[2], theta[3], np.exp(theta[4])
    x = rng.uniform(1.6, 2.2)
    p = Model(lambda z, theta: normal.log_prob(z, theta[..., :2]),
              lambda x, z, theta: normal.log_prob(x, anp.stack([theta[..., 2] * z + theta[..., 3], theta[..., 4] + 0 * z], axis=-1)))

    def by_hand(theta):
        v = w**2 * s**2 + t**2
        d, dv = (x - w * m - b) / v, 0.5 * ((x - w * m - b)**2 / v**2 - 1 / v)
        return np.array([w * d, 2 * w**2 * s**2 * dv, m * d + 2 * w * s**2 * dv, d, 2 * t**2 * dv])

    precision = 1 / s**2 + w**2 / t**2
    mean = (m / s**2 + w * (x - b) / t**2) / precision
    lam, at = np.array([mean, -0.5 * np.log(precision)]), mean + np.array([-0.7, 0.1, 0.9])
    return dict(p=p, x=x, theta=theta, q=normal, lam=lam, S=1, noise=noise(normal, lam), gradient_of_evidence=by_hand, at=at,
                learning=lambda theta: by_hand(theta), posterior_density=lambda: stats.norm.pdf(at, mean, precision**-0.5))


def stage_softmax(rng):
    """z ~ N(0, I) in the plane, x | z one of three outcomes with logits W z + b; exact posterior draws by rejection from the prior."""
    theta, x = rng.uniform(0.5, 0.9, 9) * [1, -1, 1, 1, -1, -1, 1, -1, 1], 1
    standard = np.zeros(4)

    def log_likelihood(x, z, theta):
        logits = anp.stack([anp.sum(z * theta[..., 2 * v:2 * v + 2], axis=-1) + theta[..., 6 + v] for v in range(3)], axis=-1)
        return categorical.log_prob(x, logits)

    p = Model(lambda z, theta: diagonal_normal.log_prob(z, standard), log_likelihood)
    t, w = np.polynomial.hermite_e.hermegauss(70)
    grid, w = np.stack(np.meshgrid(t, t), -1).reshape(-1, 2), np.outer(w, w).ravel() / (2 * np.pi)

    def evidence(theta):
        """Gauss-Hermite, another rule than the families'."""
        odds = np.exp(grid @ theta[:6].reshape(3, 2).T + theta[6:])
        return w @ (odds[:, x] / odds.sum(axis=1))

    def draw(rng, lam, size):
        """Prior draws, kept with probability p(x|z), which is at most one."""
        z, missing = np.empty((int(np.prod(size)), 2)), np.arange(int(np.prod(size)))
        while len(missing):
            z[missing] = rng.standard_normal((len(missing), 2))
            missing = missing[np.log(rng.random(len(missing))) > log_likelihood(x, z[missing], theta)]
        return z.reshape(*size, 2)

    log_evidence = np.log(evidence(theta))
    q = Family(lambda z, lam: p.log_joint(z, x, theta) - log_evidence, draw, lambda lam, order=64: diagonal_normal.nodes(standard, 2 * order))
    at = np.array([[0.3, -0.4], [-0.9, 0.2], [0.1, 1.1]])

    def density():
        odds = np.exp(at @ theta[:6].reshape(3, 2).T + theta[6:])
        return stats.multivariate_normal.pdf(at, np.zeros(2), np.eye(2)) * odds[:, x] / odds.sum(axis=1) / evidence(theta)

    return dict(p=p, x=x, theta=theta, q=q, lam=standard, S=1, noise=noise(q, standard), at=at, posterior_density=density,
                gradient_of_evidence=lambda theta: central(lambda t: np.log(evidence(t)), theta))


# ---- EM

def stage_em(rng):
    """Two clusters of data; theta = (logits, mu, log sigma) of two components, two numbers each."""
    x = np.concatenate([-1.7 + 0.5 * stats.norm.ppf((np.arange(14) + 0.5) / 14), 1.4 + 0.7 * stats.norm.ppf((np.arange(22) + 0.5) / 22)])
    return dict(data=x + rng.uniform(-0.15, 0.15, 36), start=np.array([0.2, -0.1, -0.9, 0.8, 0.1, 0.3]) + rng.uniform(-0.05, 0.05, 6))


def mixture_log_likelihood(x, theta):
    """By SciPy, for the referees."""
    pi = np.exp(theta[:2]) / np.exp(theta[:2]).sum()
    return np.sum(np.log(sum(pi[k] * stats.norm.pdf(x, theta[2 + k], np.exp(theta[4 + k])) for k in range(2))))


def direct_maximum(data, start):
    """The maximum of the log-likelihood by BFGS, in the means and log scales."""
    found = optimize.minimize(lambda t: -mixture_log_likelihood(data, t), start, tol=1e-12, options=dict(gtol=1e-8))
    return Estimate(found.x[2:], 1e-5)


def em_fixed_point(data, start):
    """Five hundred steps of EM."""
    theta = start[:2], start[2:4], start[4:]
    for _ in range(500):
        theta = expectation_maximization(data, *theta)
    return np.concatenate(theta[1:])


def at_the_start(data, start):
    return mixture_log_likelihood(data, start)


def after_one_step(data, start):
    return mixture_gradient(data, *expectation_maximization(data, start[:2], start[2:4], start[4:])).value


def after_two_steps(data, start):
    return mixture_gradient(data, *expectation_maximization(data, *expectation_maximization(data, start[:2], start[2:4], start[4:]))).value


# ---- where the exchange fails

def stage_moving_support(rng):
    return dict(edge=rng.uniform(1.7, 2.4), seen=rng.uniform(0.8, 1.2))


def true_slope_of_the_edge(edge, seen):
    """log of (1/edge) (Phi(edge - x) - Phi(-x)), differentiated by hand."""
    return stats.norm.pdf(edge - seen) / (stats.norm.cdf(edge - seen) - stats.norm.cdf(-seen)) - 1 / edge


def identity_alone(edge, seen):
    """log p(x, z) = -log edge + log N(x|z, 1) inside the support: its gradient is -1/edge for every z."""
    return -1 / edge


def identity_and_edge(edge, seen):
    """The boundary term: the joint density at the edge over the evidence, by quadrature."""
    evidence = integrate.quad(lambda z: np.exp(-0.5 * (seen - z)**2) / np.sqrt(2 * np.pi) / edge, 0, edge, epsabs=1e-13)[0]
    return -1 / edge + np.exp(-0.5 * (seen - edge)**2) / np.sqrt(2 * np.pi) / (edge * evidence)


def stage_step(rng):
    return dict(threshold=rng.uniform(0.3, 0.6))


def true_slope_of_the_step(threshold):
    """p(x=1|z) is 0.9 above the threshold and 0.1 below, z ~ N(0, 1)."""
    return -0.8 * stats.norm.pdf(threshold) / (0.9 - 0.8 * stats.norm.cdf(threshold))


def slope_of_a_step(threshold):
    """Between its jumps a step does not change: the identity sees a gradient of zero for every z."""
    return 0. * threshold


def sharpened_step(threshold):
    """A sigmoid of sharpness k in the step's place, the identity by quadrature, k growing until nothing changes."""
    def slope(k):
        def density(z):
            return np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)

        def sharp(z):
            return 0.5 + 0.5 * np.tanh(0.5 * k * (z - threshold))

        at = dict(points=[threshold], limit=400, epsabs=1e-12)
        evidence = integrate.quad(lambda z: density(z) * (0.1 + 0.8 * sharp(z)), -9, 9, **at)[0]
        return integrate.quad(lambda z: density(z) * -0.8 * k * sharp(z) * (1 - sharp(z)), -9, 9, **at)[0] / evidence
    return Estimate(slope(200.), abs(slope(200.) - slope(100.)))


def stage_cauchy(rng):
    return dict(h=rng.uniform(0.05, 0.1))


def quotient(h):
    """(p(h) - p(0)) / h at p(0) = 1/2 for z half-Cauchy and p(x=1|z) = sigmoid(theta z)."""
    return integrate.quad(lambda z: np.tanh(0.5 * h * z) / (np.pi * (1 + z**2)) / h, 0, np.inf, limit=400)[0]


def quotient_at_a_tenth(h):
    """The same with z = tan(angle), which makes the half-Cauchy uniform."""
    return integrate.quad(lambda a: np.tanh(0.05 * h * np.tan(a)) / (0.1 * h * np.pi), 0, np.pi / 2, limit=800)[0]


def quotient_at_a_hundredth(h):
    """And with z = exp(u), on a plain grid."""
    u = np.linspace(-20, 40, 60_001)
    return np.sum(np.tanh(0.005 * h * np.exp(u)) / (0.01 * h * np.pi * (np.exp(-u) + np.exp(u)))) * (u[1] - u[0])
