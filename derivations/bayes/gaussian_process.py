"""Companion of gaussian_process.md: its stages, its referees and its slip."""
import itertools

import numpy as np
from referees import by_differences, complex_step
from scipy import integrate, stats

from refvi import Estimate, Noise
from refvi.base import models
from refvi.bayes.gaussian_process import (arc_cosine, conditioned, covariance, evidence_slopes,     # noqa: F401
                                          hyperparameters, log_evidence, log_predictive, posterior,
                                          products_of_outputs, rbf, squares)
from refvi.likelihood import heads, networks

# ---- one normal, conditioned


def stage_plane(rng):
    """Five data in the plane, three further inputs among them with an outcome each, and two inputs further off."""
    theta = hyperparameters(length=rng.uniform(1.2, 1.4), signal_sd=rng.uniform(0.7, 0.8), noise_sd=rng.uniform(.3, .4))
    y = np.array([[0.2, 1.3], [-0.9, 0.4], [1.4, -0.6], [-0.4, -1.2], [2.1, 0.8]]) + rng.uniform(-0.1, 0.1, (5, 2))
    new = np.array([[0.8, 0.3], [-1.7, -0.5], [2.2, 2.3]]) + rng.uniform(-0.1, 0.1, (3, 2))
    far = np.array([[-3.2, 2.1], [4.9, -1.1]]) + rng.uniform(-0.1, 0.1, (2, 2))
    x = rng.uniform([0.9, -0.6, 0.5, -1.2, 0.1], [1.2, -0.3, 0.8, -0.9, 0.3])
    return dict(theta=theta, x=x, y=y, new=new, far=far, at=rng.uniform([1.1, -1.3, 0.2], [1.4, -0.9, 0.5]))


def joint_of(theta, y, new):
    """Covariance of the outcomes at y and of f at new inputs, number by number."""
    length, signal, noise = np.exp(theta)
    places = [*y, *new]
    C = np.array([[signal**2 * np.exp(-sum((a - b)**2) / (2 * length**2)) for b in places] for a in places])
    return C + np.diag([noise**2] * len(y) + [0.] * len(new))


def conditional_of_joint(theta, x, y, new):
    """Read off the joint's inverse: its lower right block is the precision of f given x."""
    P, N = np.linalg.inv(joint_of(theta, y, new)), -len(new)
    covariance = np.linalg.inv(P[N:, N:])
    return np.vstack([-covariance @ P[N:, :N] @ x, covariance])


def joint_over_evidence(at, theta, x, y, new):
    """Of each outcome alone, by SciPy: its inputs are data in one density, and are missing in the other."""
    own = stats.multivariate_normal.logpdf(x, np.zeros(len(x)), joint_of(theta, y, []))
    return np.array([stats.multivariate_normal.logpdf([*x, t], np.zeros(len(x) + 1), joint_of(theta, [*y, place], []))
                     for t, place in zip(at, new)]) - own


def variances(theta, x, y, new):
    return np.diag(posterior(theta, x, y, new)[1:])


def variance_at_the_data(theta, x, y):
    return variances(theta, x, y, y)


def noise_less_its_share(theta, y):
    """From the inverse of C, of whose entries only the diagonal matters."""
    noise = np.exp(2 * theta[2])
    return noise - noise**2 * np.diag(np.linalg.inv(joint_of(theta, y, [])))


def with_one_datum_alone(theta, x, y):
    return np.concatenate([variances(theta, x[[n]], y[[n]], y[[n]]) for n in range(len(x))])


def precisions_added(theta, y):
    return np.full(len(y), 1 / (np.exp(-2 * theta[1]) + np.exp(-2 * theta[2])))


def variance_by_the_joint(theta, x, y, far):
    return np.diag(conditional_of_joint(theta, x, y, far)[1:])


def variance_far_away(theta, x, y, far):
    return variances(theta, x, y, far)


def far_bound(theta, y, far):
    """By the nearest datum, as if all were there, and none said what another had said."""
    length, signal, noise = np.exp(theta)
    nearest = np.min(np.sum((far[:, None] - y)**2, axis=-1), axis=1)
    return signal**2 * (1 - len(y) * signal**2 / noise**2 * np.exp(-nearest / length**2))


def far_bound_by_loops(theta, y, far):
    s2, noise = np.exp(2 * theta[1]), np.exp(2 * theta[2])
    largest = [max(joint_of(theta, [], [place, datum])[0, 1] for datum in y) for place in far]
    return np.array([s2 - sum(most**2 / noise for _ in y) for most in largest])


# ---- the evidence

def by_scipy(theta, x, y):
    return stats.multivariate_normal.logpdf(x, np.zeros(len(x)), joint_of(theta, y, []))


def one_after_another(theta, x, y):
    """Every datum under the normal that those before it predict."""
    C, total = joint_of(theta, y, []), 0.
    for n in range(len(x)):
        weights = np.linalg.solve(C[:n, :n], C[:n, n])
        total += stats.norm.logpdf(x[n], weights @ x[:n], np.sqrt(C[n, n] - weights @ C[:n, n]))
    return total


def evidence_by_determinant(theta, x, y):
    """Without its constant, and for complex theta as well."""
    C = joint_of(theta, y, [])
    return -0.5 * x @ np.linalg.solve(C, x) - 0.5 * np.log(np.linalg.det(C))


def gradient_by_complex_steps(theta, x, y):
    return complex_step(lambda theta: evidence_by_determinant(theta, x, y), theta)


def evidence_gradient(theta, x, y):
    return evidence_slopes(theta, x, y)[0]


def fit_alone(theta, x, y):
    """A slip: the determinant is forgotten, so that only the misfit is made small."""
    alpha, K = np.linalg.solve(covariance(theta, y), x), rbf(y, y, theta)
    return np.array([alpha @ (squares(y, y, theta) * K) @ alpha / 2, alpha @ K @ alpha,
                     np.exp(2 * theta[2]) * alpha @ alpha])


def misfit_by_differences(theta, x, y):
    """The gradient of minus half of x'C^-1 x."""
    return by_differences(lambda theta: -x @ np.linalg.solve(joint_of(theta, y, []), x) / 2, theta)


def slopes_by_differences(theta, x, y):
    """The gradient by complex steps, and differences of it."""
    value, error = by_differences(lambda theta: gradient_by_complex_steps(theta, x, y), theta)
    return Estimate(np.vstack([gradient_by_complex_steps(theta, x, y), -value]), np.vstack([np.zeros(3), error]))


# ---- weights, and what a point estimate leaves out

def stage_features(rng):
    """A network 1-3-1 with a normal around its output, whose last layer alone is fitted: seven data."""
    network = heads.Network((1, 3, 1), heads.normal)
    inside = rng.uniform([1.1, -0.9, 0.5, 0.3, -0.6, 1.2], [1.4, -0.7, 0.7, 0.5, -0.4, 1.4])
    noise_sd, inputs = rng.uniform(0.4, 0.6), np.array([-1.9, -1.2, -0.7, 0.2, 0.6, 1.3, 2.1])[:, None]
    x = np.sin(1.7 * inputs[:, 0]) + rng.uniform(-0.4, 0.4, 7)
    model = models.regression(with_ones(inside, inputs), prior_sd=rng.uniform(1.2, 1.5), noise_sd=noise_sd)
    places = rng.uniform([-4.5, 0.3, 3.5], [-3.5, 0.5, 4.5])[:, None]
    best = np.concatenate([inside, models.posterior(x, model)[0], [np.log(noise_sd)]])
    return dict(x=x, model=model, new=with_ones(inside, places), best=best, places=places, network=network,
                phi=model.y, noise_sd=noise_sd, w=rng.uniform([0.5, -1.2, 0.7, -0.4], [0.9, -0.8, 1.1, -0.2]))


def with_ones(inside, inputs):
    """Outputs of three tanh units and a one: what the last layer weighs."""
    return np.column_stack([np.tanh(inputs * inside[:3] + inside[3:]), np.ones(len(inputs))])


def weight_space(x, model, new):
    """Bayesian linear regression, through the weights' posterior."""
    mean, precision = models.posterior(x, model)
    return np.vstack([new @ mean, new @ np.linalg.solve(precision, new.T)])


def function_space(x, model, new):
    """The kernel phi'phi, so many times the prior variance of a weight; no weight occurs."""
    prior, noise = model.prior_sd**2, model.noise_sd**2
    C = prior * model.y @ model.y.T + noise * np.eye(len(x))
    return conditioned(x, C, prior * model.y @ new.T, prior * new @ new.T)


def variance_of_outcomes(x, model, new):
    """From the joint of the data and one more outcome: one over the last entry of its precision."""
    found = []
    for features in new:
        rows = np.vstack([model.y, features])
        C = model.prior_sd**2 * rows @ rows.T + model.noise_sd**2 * np.eye(len(rows))
        found.append(1 / np.linalg.inv(C)[-1, -1])
    return np.array(found)


def noise_and_weights(x, model, new):
    return model.noise_sd**2 + np.diag(function_space(x, model, new)[1:])


def constant_band(best, places, network):
    return np.exp(2 * heads.output(best, places, network)[:, -1])


def variance_by_quadrature(best, places, network):
    """Of what the head's density lets an outcome be, around a mean of zero: the integral only shifts."""
    def squares(t):
        return t**2 * np.exp(network.observed.log_prob(np.array([t]), np.array([0., best[-1]])))

    value, error = integrate.quad(squares, -np.inf, np.inf, epsabs=1e-12)
    return Estimate(np.full(len(places), value), error)


# ---- parameters and data

def over_all_signs(phi, w, noise_sd):
    """Mean squared error of least squares where it was fitted, and for new outcomes at these inputs, over all noises
    that are plus or minus their deviation: a normal's first two moments.
    """
    signs = noise_sd * np.array(list(itertools.product((-1, 1), repeat=len(phi))))
    x = phi @ w + signs
    found = np.linalg.lstsq(phi, x.T, rcond=None)[0].T @ phi.T
    fresh = (phi @ w + signs[:, None] - found)**2
    return np.array([np.mean((x - found)**2), np.mean(fresh)])


def two_errors(phi, noise_sd):
    share = networks.count((phi.shape[1] - 1, 1)) / len(phi)
    return noise_sd**2 * np.array([1 - share, 1 + share])


def stage_designs(rng):
    """25 data and three normal features, drawn anew with the data."""
    N, P = 25, 3
    return dict(N=N, P=P, noise_sd=rng.uniform(0.6, 0.8), S=2,
                noise=Noise(lambda rng, R, S: rng.standard_normal((R, S, N, P)), lambda S, order: None))


def by_chi_squares(N, P, noise_sd):
    """One over each diagonal entry of (Phi'Phi)^-1 is distributed as chi^2 with N - P + 1 degrees of freedom."""
    return Estimate(*integrate.quad(lambda t: P * noise_sd**2 * stats.chi2.pdf(t, N - P + 1) / t, 0, np.inf,
                                    epsabs=1e-13, epsrel=1e-11))


def error_from_the_weights(N, P, noise_sd):
    return noise_sd**2 * P / (N - P - 1)


def over_designs(eps, noise_sd):
    """noise_sd^2 tr (Phi'Phi)^-1: squared error of the fit at one more input, over outcomes and that input."""
    return noise_sd**2 * np.mean(np.sum(np.linalg.pinv(eps)**2, axis=(-2, -1)), axis=-1)


# ---- a network of any width

def network_stage(rng, a, b, H, rule):
    def draw(rng, R, S):
        return rng.standard_normal((R, S, H, a.shape[1] + 2))

    return dict(a=a, b=b, S=2, weight_sd=rng.uniform(1.2, 1.4), out_sd=rng.uniform(0.7, 0.8), noise=Noise(draw, rule))


def directions(y):
    """Nodes (n, 3) for a unit's weight, bias and output, and their masses (n,): two directions between any two at which
    it bends at an input, exact for products of its outputs, whatever its length; and both signs of the output.
    """
    bends = np.arctan2(-y[:, 0], 1.)
    edges = np.sort(np.concatenate([bends, bends + np.pi]) % (2 * np.pi))
    widths = np.diff(edges, append=edges[0] + 2 * np.pi)
    apart = np.arccos(np.sin(widths) / widths) / 2      # where the mean of cos 2t over a piece is taken
    turns = np.concatenate([edges + widths / 2 - apart, edges + widths / 2 + apart])
    inside = np.sqrt(2) * np.column_stack([np.cos(turns), np.sin(turns)])
    nodes = np.column_stack([np.tile(inside, (2, 1)), np.repeat([-1., 1.], len(turns))])
    return nodes, np.tile(widths, 4) / (8 * np.pi)


def stage_two_units(rng):
    """Networks of two units, whose weights a rule goes through, at two places."""
    a, b = np.array([[[0.6]], [[-1.3]]]) + rng.uniform(-0.1, 0.1, (2, 1, 1))
    nodes, masses = directions(np.vstack([a, b]))

    def rule(S, order):
        if S > 2:
            return None
        index = np.indices((len(masses),) * (2 * S)).reshape(2 * S, -1).T
        return nodes[index].reshape(-1, S, 2, 3), np.prod(masses[index], axis=1)

    return network_stage(rng, a, b, 2, rule)


def stage_five_units(rng):
    """Networks of five units, drawn, with two inputs; one place is among the first and among the others."""
    b = np.array([[0.7, -0.4], [-1.1, 0.9], [0.5, 1.6]]) + rng.uniform(-0.1, 0.1, (3, 2))
    return network_stage(rng, np.vstack([b[:1], rng.uniform(-0.9, -0.6, (1, 2))]), b, 5, lambda S, order: None)


def unit_by_quadrature(a, b, weight_sd, out_sd):
    """E of a product of two units' outputs: given the one, the other is a normal's positive part."""
    found = np.zeros((2, len(a), len(b)))
    for n, m in itertools.product(range(len(a)), range(len(b))):
        left, right = np.append(a[n], 1.), np.append(b[m], 1.)
        slope = left @ right / (left @ left)
        rest = weight_sd * np.linalg.norm(right - slope * left)
        sd = weight_sd * np.linalg.norm(left)

        def given(t):
            if not rest:
                return slope * t
            return slope * t * stats.norm.cdf(slope * t / rest) + rest * stats.norm.pdf(slope * t / rest)

        found[:, n, m] = integrate.quad(lambda t: t * given(t) * stats.norm.pdf(t, 0, sd), 0, np.inf, epsabs=1e-12)
    return Estimate(*out_sd**2 * found)


def stage_small_networks(rng):
    """Two or three units and one place; every weight takes three values, which have a normal's first five moments."""
    t, w = np.polynomial.hermite_e.hermegauss(3)
    H, place = int(rng.integers(2, 4)), np.array([[rng.uniform(0.6, 0.9)]])
    index = np.indices((3,) * (3 * H)).reshape(3, H, -1)
    weight, bias, out = t[index]
    return dict(H=H, a=place, weight_sd=rng.uniform(1.2, 1.4), out_sd=rng.uniform(0.7, 0.8), weight=weight, bias=bias,
                out=out, masses=np.prod((w / w.sum())[index], axis=(0, 1)))


def over_small_networks(weight, bias, out, masses, a, H, weight_sd, out_sd):
    """E f^4, network by network: of weights that are symmetric a ReLU's even moments are half of theirs."""
    inside = weight_sd * (weight * a[0, 0] + bias)
    f = out_sd * sum(np.where(inside > 0, inside * out, 0.)) / np.sqrt(H)
    return masses @ f**4


def fourth_moment(a, H, weight_sd, out_sd):
    return (3 + 15 / H) * arc_cosine(a, a, weight_sd, out_sd)[0, 0]**2
