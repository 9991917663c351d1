"""Companion of mcmc.md: its stages, its referees and its slips."""
import itertools

import numpy as np
from referees import by_differences
from scipy import integrate, linalg, stats

from refvi import Estimate, Noise
from refvi.base import models
from refvi.bayes.mcmc import hmc, stochastic
from refvi.bayes.mcmc.diagnostics import (effective_sample_size, r_hat, squared_averages,      # noqa: F401
                                          variance_of_average)
from refvi.bayes.mcmc.hmc import (average_of_exp, draws_after_a_trajectory, end_of_trajectory,      # noqa: F401
                                  energy_error, error_by_slopes, flow_back, flow_there, share_and_variance,
                                  there_and_back, variance_never_rejected)
from refvi.bayes.mcmc.rows import (after_a_step, draws_after_a_step, draws_after_a_sweep,      # noqa: F401
                                   draws_after_walk, exact_draws, long_run, moments_after_a_sweep,
                                   share_and_variance_of_walk)
from refvi.bayes.mcmc.stochastic import (covariance_with_friction, draws_after_langevin,      # noqa: F401
                                         draws_with_friction, draws_with_minibatches, draws_without_friction,
                                         energy_without_friction, moments_with_minibatches, stationary_moments)


def signs(D):
    """Standard normal Noise eps (R, S, *D), its rule all signs: a sign has the first three moments of a normal."""
    size = int(np.prod(D))

    def rule(S, order):
        if S * size > 16:
            return None
        eps = np.array(list(itertools.product((-1., 1.), repeat=S * size)))
        return eps.reshape(-1, S, *D), np.full(len(eps), 0.5**(S * size))

    return Noise(lambda rng, R, S: rng.standard_normal((R, S, *D)), rule)


# ---- few states

def stage_states(rng):
    """Five states, and proposals that go up more often than down."""
    weights = np.array([2., 5., 1., 4., 3.]) * rng.uniform(0.9, 1.1, 5)
    proposal = rng.uniform(0.5, 1., (5, 5)) + 2 * np.triu(np.ones((5, 5)), 1)
    proposal /= proposal.sum(axis=1, keepdims=True)
    masses = weights / weights.sum()

    def draw(rng, R, S):
        state = rng.choice(5, (R, S), p=masses)
        to = np.sum(rng.random((R, S, 1)) > np.cumsum(proposal, axis=1)[state][..., :-1], axis=-1)
        return np.stack([state, to, rng.random((R, S))], axis=-1)

    def rule(S, order):
        """All moves, with one number below what accepts them and one above."""
        if S > 2:
            return None
        nodes, chances = [], []
        for i, j in itertools.product(range(5), repeat=2):
            accepted = min(1., weights[j] * proposal[j, i] / (weights[i] * proposal[i, j]))
            nodes += [(i, j, accepted / 2), (i, j, (1 + accepted) / 2)]
            chances += [masses[i] * proposal[i, j] * part for part in (accepted, 1 - accepted)]
        index = np.array(list(itertools.product(range(len(nodes)), repeat=S)))
        return np.array(nodes)[index], np.prod(np.array(chances)[index], axis=1)

    return dict(weights=weights, proposal=proposal, S=2, noise=Noise(draw, rule))


def target(weights):
    return np.array([w / sum(weights) for w in weights])


def without_proposals(weights, proposal):
    """A slip: the masses alone are compared, as if proposals there and back were equally likely; in the long run."""
    moves = proposal * np.minimum(1, weights / weights[:, None])
    return np.linalg.matrix_power(moves + np.diag(1 - moves.sum(axis=1)), 4096)[0]


def other_eigenvector(weights, proposal):
    """What the slip's chain leaves unchanged, state by state, as the kernel of its flows."""
    flows = np.zeros(proposal.shape)
    for i, j in itertools.permutations(range(len(weights)), 2):
        rate = proposal[i, j] * min(1., weights[j] / weights[i])
        flows[j, i] += rate
        flows[i, i] -= rate
    found = linalg.null_space(flows)[:, 0]
    return found / found.sum()


# ---- one coordinate, where all is known

def borders(form):
    """Angles, once around, of the four rays on which a quadratic form (2, 2) is zero, the first again at the end."""
    roots = np.arctan(np.roots([form[1, 1], 2 * form[0, 1], form[0, 0]]).real) % np.pi
    first = np.sort(np.concatenate([roots, roots + np.pi]))
    return np.append(first, first[0] + 2 * np.pi)


def in_rays(form, order):
    """(nodes (n, 3), weights (n,)) for two standard normals and a uniform one that is held against exp(-r), r half the
    quadratic form (2, 2) of the normals: Gauss' rules between the rays on which r changes its sign, and along rays.
    """
    t, w = np.polynomial.legendre.leggauss(order // 2)
    length, w_length = np.polynomial.laguerre.laggauss(order // 2)
    ends = borders(form)
    a, b = ends[:-1, None], ends[1:, None]
    angles, w_angles = (a + (b - a) * (t + 1) / 2).ravel(), ((b - a) * w / (4 * np.pi)).ravel()
    normals = np.sqrt(2 * length)[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    accepted = np.exp(-np.maximum(np.einsum("rai,ij,raj->ra", normals, form, normals) / 2, 0))
    u = np.stack([accepted / 2, (1 + accepted) / 2], axis=-1)
    chances = np.stack([accepted, 1 - accepted], axis=-1) * np.outer(w_length, w_angles)[..., None]
    nodes = np.concatenate([np.broadcast_to(normals[:, :, None], (*u.shape, 2)), u[..., None]], axis=-1)
    return nodes.reshape(-1, 3), chances.ravel()


def normals_and_uniform(form):
    """Noise eps (R, S, 3) for a step of each draw. Its rule is for one draw, whose nodes squared are too many; two are
    tried by draws: see in_rays.
    """
    def rule(S, order):
        nodes, weights = in_rays(form, order)
        return (nodes[:, None], weights) if S == 1 else None

    return Noise(lambda rng, R, S: np.concatenate([rng.standard_normal((R, S, 2)), rng.random((R, S, 1))], axis=-1),
                 rule)


def by_quadrature(form, square):
    """(E[min(1, exp(-r))], and what is left of the mean square after moves to a point whose square is that form) (2,)
    over two standard normals, in polar coordinates by SciPy.
    """
    def along(angle):
        """Over the length of a ray, in closed form: E[exp(-r)] and E[square exp(-r)]."""
        at = np.array([np.cos(angle), np.sin(angle)])
        rise = max(at @ form @ at, 0.)
        return np.array([1 / (1 + rise), at[0]**2 * 2 + (at @ square @ at - at[0]**2) * 2 / (1 + rise)**2])

    ends = borders(form)
    found = [integrate.quad_vec(along, a, b, epsabs=1e-13, epsrel=1e-12) for a, b in zip(ends, ends[1:])]
    total, error = (sum(parts) / (2 * np.pi) for parts in zip(*found))
    return Estimate(total, error)


def stage_walk(rng):
    """A step about as wide as the target."""
    curvature, size = rng.uniform(1.5, 2.5), rng.uniform(0.9, 1.1)
    step = size * np.sqrt(curvature)
    form = np.array([[0., step], [step, step**2]])      # of the logarithm of the target's fall
    square = np.array([[1., step], [step, step**2]])
    return dict(curvature=curvature, size=size, S=1, noise=normals_and_uniform(form),
                walk_by_quadrature=lambda: in_units(by_quadrature(form, square), curvature))


def in_units(found, curvature):
    scale = np.array([1., 1 / curvature])
    return Estimate(found.value * scale, found.error * scale)


def shears(curvature, size, steps):
    """Leapfrog as a matrix (2, 2) of z in units of its deviation, and v."""
    step = size * np.sqrt(curvature)
    push, move = np.array([[1., 0.], [-step / 2, 1.]]), np.array([[1., step], [0., 1.]])
    return np.linalg.multi_dot([push, move, push] * steps)


def stage_trajectory(rng):
    """Three steps, longer than one would take, so that many ends are rejected."""
    curvature, steps = rng.uniform(1.5, 2.5), 3
    size = rng.uniform(1.4, 1.5) / np.sqrt(curvature)
    matrix = shears(curvature, size, steps)
    form = matrix.T @ matrix - np.eye(2)
    return dict(curvature=curvature, size=size, steps=steps, S=1, noise=normals_and_uniform(form),
                trajectory_by_quadrature=lambda: in_units(
                    by_quadrature(form, np.outer(matrix[0], matrix[0])), curvature))


def never_rejected(curvature, size, steps):
    """A slip: every end of a trajectory is taken."""
    matrix = hmc.turned(curvature, size, steps)
    return np.array([1., np.sum(matrix[0]**2) / curvature])


def moments_of_ends(curvature, size, steps):
    return np.array([1., sum(entry**2 for entry in shears(curvature, size, steps)[0]) / curvature])


def variance_in_the_long_run(curvature, size, steps):
    """Where the recursion of the variance rests: the velocity is drawn anew each time."""
    kept, added = shears(curvature, size, steps)[0]**2
    variance = 0.
    for _ in range(2000):
        variance = kept * variance + added / curvature
    return variance


# ---- a normal posterior in three dimensions

def stage_posterior(rng):
    """Of a regression with three weights, two of them correlated, and a point off it with a velocity."""
    y = np.array([[1.2, 0.9, 0.1], [-0.7, -1.1, 0.6], [1.5, 1.3, -0.4], [0.2, 0.6, 0.8], [-1.1, -0.8, 0.5]])
    y, prior_sd, noise_sd = y + rng.uniform(-0.1, 0.1, y.shape), rng.uniform(1.3, 1.6), rng.uniform(0.9, 1.1)
    x = y @ np.array([0.3, -0.2, 0.4]) + rng.uniform(0.1, 0.3, 5) * [1, -1, -1, 1, -1]
    precision = y.T @ y / noise_sd**2 + np.eye(3) / prior_sd**2
    top = np.linalg.eigvalsh(precision)[-1]
    mean = np.linalg.solve(precision, y.T @ x / noise_sd**2)
    return dict(mean=mean, precision=precision, rate=rng.uniform(0.8, 1.2) / top, S=2, noise=signs((2, 3)),
                size=rng.uniform(1.3, 1.5) / np.sqrt(top), steps=3, z=mean + rng.uniform(0.5, 1., 3) * [1, -1, 1],
                v=rng.uniform(0.5, 1., 3) * [-1, -1, 1])


def posterior_moments(mean, precision):
    return linalg.inv(precision) + np.outer(mean, mean)


def sum_over_eigenvectors(mean, precision):
    """By eigenvectors."""
    values, vectors = linalg.eigh(precision)
    return sum(np.outer(u, u) / value for value, u in zip(values, vectors.T)) + np.outer(mean, mean)


def other_triangle(mean, precision):
    """A slip: draws by L^-1, where the inverse of its transpose belongs."""
    root = np.linalg.inv(np.linalg.cholesky(precision))
    return root @ root.T + np.outer(mean, mean)


def inverse_of_the_turned(mean, precision):
    lower = linalg.cholesky(precision, lower=True)
    return linalg.inv(lower.T @ lower) + np.outer(mean, mean)


def all_at_once(mean, precision):
    """A slip: each coordinate is drawn given the others as they were before the sweep."""
    own = np.diag(precision)
    kept = np.eye(3) - precision / own[:, None]
    return kept @ np.linalg.inv(precision) @ kept.T + np.diag(1 / own) + np.outer(mean, mean)


def pair_by_pair(mean, precision):
    """The covariance of each pair of conditional means, and the variances around them."""
    covariance, own, found = linalg.inv(precision), np.diag(precision), np.outer(mean, mean)
    for i, j in itertools.product(range(3), repeat=2):
        a, b = ([k for k in range(3) if k != d] for d in (i, j))
        found[i, j] += (precision[i, a] @ covariance[np.ix_(a, b)] @ precision[b, j]) / (own[i] * own[j])
        found[i, j] += (i == j) / own[i]
    return found


def blocks(precision, size):
    """Half a push and a move as matrices (6, 6) on z less the mean, and v."""
    one, none = np.eye(3), np.zeros((3, 3))
    return np.block([[one, none], [-size / 2 * precision, one]]), np.block([[one, size * one], [none, one]])


def path(z, v, mean, precision, size, steps):
    """(6,): the end of a trajectory by one matrix."""
    push, move = blocks(precision, size)
    return np.linalg.matrix_power(push @ move @ push, steps) @ np.concatenate([z - mean, v])


def end_by_matrices(z, v, mean, precision, size, steps):
    return path(z, v, mean, precision, size, steps) + np.concatenate([mean, np.zeros(3)])


def half_a_push_missing(z, v, mean, precision, size, steps):
    """A slip: whole pushes after the first, and none at the end."""
    v = v + 0.5 * size * (mean - z) @ precision
    for step in range(steps):
        z = z + size * v
        if step < steps - 1:
            v = v + size * (mean - z) @ precision
    return np.concatenate([z, v])


def end_before_the_last_push(z, v, mean, precision, size, steps):
    push, _ = blocks(precision, size)
    return (np.linalg.solve(push, path(z, v, mean, precision, size, steps)) + np.concatenate([mean, np.zeros(3)]))


def error_by_matrices(z, v, mean, precision, size, steps):
    """The energy at the end by one matrix, less that at the start."""
    H = linalg.block_diag(precision, np.eye(3)) / 2
    ends = path(z, v, mean, precision, size, steps), np.concatenate([z - mean, v])
    return np.subtract(*(end @ H @ end for end in ends))


def volume(mean, precision, size, steps):
    """Of the map from start to end, by differences around zero."""
    return np.linalg.det(by_differences(lambda at: end_of_trajectory(at[:3], at[3:], mean, precision, size, steps),
                                        np.zeros(6)).value)


def one():
    return 1.


def volume_of_euler(precision, size, steps):
    """A slip: z and v are both moved by what they were before the step."""
    step = np.block([[np.eye(3), size * np.eye(3)], [-size * precision, np.eye(3)]])
    return np.linalg.det(np.linalg.matrix_power(step, steps))


def volume_by_eigenvalues(precision, size, steps):
    return np.prod((1 + size**2 * linalg.eigvalsh(precision))**steps)


# ---- Langevin's steps

def moments_by_lyapunov(mean, precision, rate):
    return linalg.solve_discrete_lyapunov(np.eye(3) - rate / 2 * precision, rate * np.eye(3)) + np.outer(mean, mean)


def noise_of_scale_rate(mean, precision, rate):
    """A slip: the noise is multiplied by the rate, not by its root."""
    return rate * np.linalg.inv(precision @ (np.eye(3) - rate / 4 * precision)) + np.outer(mean, mean)


def moments_of_less_noise(mean, precision, rate):
    return linalg.solve_discrete_lyapunov(np.eye(3) - rate / 2 * precision, rate**2 * np.eye(3)) + np.outer(mean, mean)


def stage_minibatches(rng):
    """Five data, two weights, minibatches of three without replacement."""
    y = np.array([[1., 0.3], [-0.6, 1.2], [0.8, -0.9], [1.4, 0.5], [-0.3, 0.7]]) + rng.uniform(-0.1, 0.1, (5, 2))
    theta = models.regression(y, prior_sd=rng.uniform(1.8, 2.2), noise_sd=rng.uniform(1.3, 1.5))
    x = y @ np.array([0.4, -0.3]) + rng.uniform(0.3, 0.8, 5) * [1, -1, 1, -1, -1]
    batches = np.array(list(itertools.combinations(range(5), 3)))
    plain = signs((4,))

    def draw(rng, R, S):
        return np.concatenate([plain.draw(rng, R, S), batches[rng.integers(len(batches), size=(R, S))]], axis=-1)

    def rule(S, order):
        if S > 2:
            return None
        eps, weights = plain.rule(S, order)
        chosen = np.array(list(itertools.product(range(len(batches)), repeat=S)))
        nodes = np.repeat(eps, len(chosen), axis=0), np.tile(batches[chosen], (len(eps), 1, 1))
        return np.concatenate(nodes, axis=-1), np.repeat(weights, len(chosen)) / len(chosen)

    rate = rng.uniform(0.25, 0.35)
    return dict(x=x, theta=theta, M=3, rate=rate, S=2, noise=Noise(draw, rule),
                stationary=recursion(x, theta, 3, rate, 5 / 3))


def recursion(x, theta, M, rate, factor):
    """Mean and covariance that the steps come to: one minibatch after the other, until both rest."""
    batches = list(itertools.combinations(range(len(x)), M))
    maps = []
    for batch in batches:
        A, c = np.eye(2) * (1 - rate / 2 / theta.prior_sd**2), np.zeros(2)
        for n in batch:
            A -= rate / 2 * factor * np.outer(theta.y[n], theta.y[n]) / theta.noise_sd**2
            c += rate / 2 * factor * x[n] * theta.y[n] / theta.noise_sd**2
        maps.append((A, c))
    mean, moments = np.zeros(2), np.eye(2)
    for _ in range(400):
        new = rate * np.eye(2)
        for A, c in maps:
            cross = A @ np.outer(mean, c)
            new = new + (A @ moments @ A.T + cross + cross.T + np.outer(c, c)) / len(maps)
        mean, moments = sum(A @ mean + c for A, c in maps) / len(maps), new
    return np.vstack([mean, moments - np.outer(mean, mean)])


def batch_by_batch(x, theta, M, rate):
    return recursion(x, theta, M, rate, len(x) / M)


def without_the_factor(x, theta, M, rate):
    """A slip: the data of the minibatch stand for themselves, not for all N."""
    few = theta._replace(noise_sd=theta.noise_sd * np.sqrt(len(x) / M))
    batches = np.array(list(itertools.combinations(range(len(x)), M)))
    maps = np.tile(np.eye(3), (len(batches), 1, 1))
    for column, at in enumerate(np.eye(3, 2)):
        maps[:, :2, column] += rate / 2 * stochastic.minibatch_slope(np.tile(at, (len(batches), 1)), batches, x, few)
    maps[:, :2, :2] -= maps[:, :2, 2:]      # the third point is zero, whose slope is that of no weights
    moments = np.eye(3)
    for _ in range(2000):
        moments = np.mean(maps @ moments @ np.swapaxes(maps, 1, 2), axis=0) + rate * np.diag([1., 1., 0.])
    return np.vstack([moments[2, :2], moments[:2, :2] - np.outer(moments[2, :2], moments[2, :2])])


def batch_by_batch_without(x, theta, M, rate):
    return recursion(x, theta, M, rate, 1.)


# ---- friction

def stage_friction(rng):
    """Two correlated coordinates; and a slope with noise, some of it known."""
    precision = np.array([[2., 0.7], [0.7, 1.2]]) * rng.uniform(0.9, 1.1)
    size, friction, slope_sd = rng.uniform(0.35, 0.45), rng.uniform(0.5, 0.7), rng.uniform(1.2, 1.6)
    known_sd = rng.uniform(0.7, 0.8)
    found = joint_in_the_long_run(precision, size, friction, slope_sd, known_sd)
    return dict(precision=precision, size=size, friction=friction, slope_sd=slope_sd, known_sd=known_sd, S=2,
                stationary=found, noise=signs((4, 2)))


def joint_in_the_long_run(precision, size, friction, slope_sd, known_sd):
    """Of z and v (4, 4), by SciPy's Lyapunov solver."""
    one, added = np.eye(2), 2 * size * friction + size**2 * (slope_sd**2 - known_sd**2)
    push = np.hstack([-size * precision, (1 - size * friction) * one])
    step = np.vstack([np.hstack([one, 0 * one]) + size * push, push])
    root = np.vstack([size * one, one]) * np.sqrt(added)
    return linalg.solve_discrete_lyapunov(step, root @ root.T)


def covariance_by_lyapunov(precision, size, friction, slope_sd, known_sd):
    return joint_in_the_long_run(precision, size, friction, slope_sd, known_sd)[:2, :2]


def stage_no_friction(rng):
    """Three pushes from a point."""
    precision = np.array([[2., 0.7], [0.7, 1.2]]) * rng.uniform(0.9, 1.1)
    return dict(precision=precision, size=rng.uniform(0.35, 0.45), slope_sd=rng.uniform(1.2, 1.6), steps=3, S=2,
                z=rng.uniform(0.4, 0.8, 2) * [1, -1], v=rng.uniform(0.4, 0.8, 2), noise=signs((3, 2)))


def energy_by_recursion(z, v, precision, size, slope_sd, steps):
    """Of the second moments of z and v, push by push."""
    push = np.hstack([-size * precision, np.eye(2)])
    step, root = np.vstack([np.eye(2, 4) + size * push, push]), np.vstack([size * np.eye(2), np.eye(2)])
    moments = np.outer(np.append(z, v), np.append(z, v))
    for _ in range(steps):
        moments = step @ moments @ step.T + size**2 * slope_sd**2 * root @ root.T
    form = np.block([[precision, -size / 2 * precision], [-size / 2 * precision, np.eye(2)]])
    return np.trace(form @ moments)


# ---- targets that are not normal

def network_of_two(y, x, prior_sd, noise_sd):
    """log joint of x = a tanh(b y) + noise and its slope, of points (..., 2)."""
    def log_joint(z):
        a, b = z[..., :1], z[..., 1:]
        h = np.tanh(b * y)
        rest = (x - a * h) / noise_sd**2
        value = -0.5 * np.sum(rest * (x - a * h), axis=-1) - 0.5 * np.sum(z**2, axis=-1) / prior_sd**2
        slope = np.stack([np.sum(rest * h, axis=-1), np.sum(rest * a * (1 - h**2) * y, axis=-1)], axis=-1)
        return value, slope - z / prior_sd**2

    return log_joint


def stage_network(rng):
    """Two weights, a few data; a velocity that leads downhill, and the way back."""
    y, noise_sd = np.array([-1.2, -0.4, 0.5, 0.9, 1.6]) + rng.uniform(-0.1, 0.1, 5), rng.uniform(0.4, 0.5)
    x = 0.9 * np.tanh(1.1 * y) + rng.uniform(0.1, 0.4, 5) * [1, -1, 1, 1, -1]
    prior_sd = rng.uniform(1.3, 1.6)
    z, v = rng.uniform([1., 1.1], [1.1, 1.2]), rng.uniform([1.7, 0.3], [1.9, 0.5])
    data, size = (y, x, prior_sd, noise_sd), rng.uniform(0.1, 0.12)
    end, w = end_by_hand(z, v, size, 2, data)
    return dict(log_joint=network_of_two(*data), z=np.stack([z, end]), v=np.stack([v, -w]), steps=2, size=size,
                data=data)


def start(z, v):
    return np.hstack([z, v])


def by_scipy(z, data):
    """The log joint by scipy.stats, up to a constant that falls out."""
    y, x, prior_sd, noise_sd = data
    log_p = np.sum(stats.norm.logpdf(x, z[0] * np.tanh(z[1] * y), noise_sd)) + np.sum(stats.norm.logpdf(z, 0, prior_sd))
    return log_p + len(x) * np.log(noise_sd * np.sqrt(2 * np.pi)) + 2 * np.log(prior_sd * np.sqrt(2 * np.pi))


def end_by_hand(z, v, size, steps, data):
    """A trajectory in the positions alone (Verlet), with slopes by differences: (z, v)."""
    def slope(at):
        return by_differences(lambda t: by_scipy(t, data), at).value

    before, z = z, z + size * v + size**2 / 2 * slope(z)
    for _ in range(steps):
        before, z, here = z, 2 * z - before + size**2 * slope(z), before
    return before, (z - here) / (2 * size)


def smaller_of_two_densities(z, v, size, steps, data):
    """exp(-H) at the start or at the end, the smaller."""
    def density(at, speed):
        return np.exp(by_scipy(at, data) - np.sum(speed**2) / 2)

    return np.array([min(density(*ends), density(*end_by_hand(*ends, size, steps, data))) for ends in zip(z, v)])


def flow_by_positions(z, v, log_joint, size, steps):
    """A slip: accepted by the densities of the positions, without the kinetic part."""
    value, slope = log_joint(z)
    new = hmc.leapfrog(z, v, slope, log_joint, size, steps)[2]
    return np.exp(value - np.sum(v**2, axis=1) / 2) * np.minimum(1, np.exp(new - value))


def positions_by_hand(z, v, size, steps, data):
    return np.array([np.exp(-np.sum(speed**2) / 2 + min(by_scipy(at, data),
                                                        by_scipy(end_by_hand(at, speed, size, steps, data)[0], data)))
                     for at, speed in zip(z, v)])


def stage_weight(rng):
    """One weight of a tanh unit, by a fine grid; steps so long that the energy is often a tenth of a nat off."""
    y, noise_sd = np.array([-1.2, -0.4, 0.5, 0.9]) + rng.uniform(-0.1, 0.1, 4), rng.uniform(0.5, 0.6)
    x, prior_sd = np.tanh(0.9 * y) + rng.uniform(0.1, 0.4, 4) * [1, -1, 1, 1], rng.uniform(1.3, 1.6)

    def log_joint(z):
        h = np.tanh(z * y)
        value = -0.5 * np.sum(((x - h) / noise_sd)**2, axis=-1) - 0.5 * (z[..., 0] / prior_sd)**2
        return value, np.sum((x - h) * (1 - h**2) * y, axis=-1, keepdims=True) / noise_sd**2 - z / prior_sd**2

    def fall(z, v):
        """By how much the energy is lower at the end of a trajectory, for numbers z and v (n,)."""
        value, w, at = log_joint(z[:, None])[0], v[:, None], z[:, None]
        for _ in range(2):
            middle = w + size / 2 * log_joint(at)[1]
            at = at + size * middle
            w = middle + size / 2 * log_joint(at)[1]
        return log_joint(at)[0] - value + (v**2 - w[:, 0]**2) / 2

    size, grid = rng.uniform(0.3, 0.35), np.linspace(-12, 14, 4001)
    masses = np.exp(log_joint(grid[:, None])[0])
    masses /= masses.sum()
    cdf = np.cumsum(masses) - 0.5 * masses

    def draw(rng, R, S):
        return np.stack([np.interp(rng.random((R, S)), cdf, grid), rng.standard_normal((R, S))], axis=-1)

    def rule(S, order):
        if S > 1:
            return None
        z, v = np.linspace(-9, 11, 5 * order), np.linspace(-8, 8, 3 * order)
        p = np.exp(log_joint(z[:, None])[0])
        nodes = np.stack(np.meshgrid(z, v, indexing="ij"), axis=-1).reshape(-1, 1, 2)
        weights = np.outer(p / p.sum(), stats.norm.pdf(v) / stats.norm.pdf(v).sum())
        return nodes, weights.ravel()

    return dict(log_joint=log_joint, size=size, steps=2, S=1, noise=Noise(draw, rule), fall=fall,
                starts=np.meshgrid(np.linspace(-9, 11, 601), np.linspace(-9, 9, 401)))


def average_over_phase_space(log_joint, starts, fall):
    """The ends' densities, summed over a grid of starts, over those of the starts."""
    z, v = (part.ravel() for part in starts)
    log_p = log_joint(z[:, None])[0] + stats.norm.logpdf(v)
    return np.sum(np.exp(log_p + fall(z, v))) / np.sum(np.exp(log_p))


# ---- what draws are worth

def stage_values(rng):
    return dict(rho=rng.uniform(0.5, 0.7), T=5, S=2, noise=signs((5,)))


def all_pairs(rho, T):
    return np.sum(linalg.toeplitz(rho**np.arange(T))) / T**2


def as_if_independent(T):
    """A slip: the variance of a value over their number."""
    return 1 / T


def of_independent_values(T):
    return np.sum(np.full(T, 1 / T)**2)


def stage_chains(rng):
    """Two chains that have not quite met."""
    return dict(draws=chains(rng, rng.uniform(0.4, 0.6))[:, ::2])


def stage_alternating(rng):
    """Chains that go to the other side each time: worth more than as many draws, up to a bound."""
    return dict(draws=chains(rng, rng.uniform(-0.95, -0.9)))


def stage_one_chain(rng):
    return dict(draws=chains(rng, rng.uniform(0.4, 0.6), T=60)[:, 2:])


def chains(rng, rho, T=61):
    """Draws (T, 3), each rho times the one before and noise."""
    draws = np.empty((T, 3))
    draws[0] = rng.uniform(-0.2, 0.2, 3) + [-1, 0.5, 2]
    for t in range(1, T):
        draws[t] = rho * draws[t - 1] + rng.standard_normal(3)
    return draws


def by_analysis_of_variance(draws):
    """From sums of squares of the halves of chains, without the middle draw of 61."""
    halves = [part for chain in draws.T for part in (chain[:30], chain[-30:])]
    within = sum(np.sum((part - part.mean())**2) for part in halves) / (len(halves) * 29)
    between = 30 * stats.tvar([part.mean() for part in halves])
    return np.sqrt((29 / 30 * within + between / 30) / within)


def sum_of_pairs(draws):
    """Geyer's sum, one lag after the other."""
    T, C = draws.shape
    within = np.mean([np.sum((chain - chain.mean())**2) / (T - 1) for chain in draws.T])
    total = (T - 1) / T * within + (stats.tvar(draws.mean(axis=0)) if C > 1 else 0.)

    def correlation(lag):
        products = [np.sum((chain[lag:] - chain.mean()) * (chain[:T - lag] - chain.mean())) / T for chain in draws.T]
        return 1 - (within - np.mean(products)) / total if lag else 1.

    time, last = -1., np.inf
    for lag in range(0, T - 1, 2):
        pair = correlation(lag) + correlation(lag + 1)
        if pair <= 0:
            break
        last = min(last, pair)
        time += 2 * last
    return C * T / max(time, np.log(10) / np.log(C * T))
