"""What a Langevin step leaves unchanged, line by line: derivations/generative/deep_latent.md.

For one datum x (1, n) and one latent number: states are nodes z (K, 1) of the posterior's grid or points at (K, 1), f
maps states (..., 1) to (..., F) numbers, size is the spread of a proposal. eps (R, S, 3) is a posterior draw, a
standard normal and a uniform one. Hastings (1970).
"""
import numpy as np

from refvi.generative.deep_latent.mcmc import langevin_move, langevin_step, log_joint_and_slope, log_proposal
from refvi.generative.deep_latent.model import posterior_nodes


def accept(rise):
    """min(1, exp(rise))."""
    return np.exp(np.minimum(rise, 0.))


def moves(at, x, theta, decoder, size):
    """Density (K, K) of an accepted move from the point in the row to that in the column, points at (K, 1)."""
    value, slope = log_joint_and_slope(at[:, None, :], x, theta, decoder)
    there = log_proposal(at[None, :, :], at[:, None, :], slope, size)
    rise = value[:, 0][None, :] - value + there.T - there
    return np.exp(there) / (size * np.sqrt(2 * np.pi)) * accept(rise)


def under_posterior(f, x, theta, decoder):
    """E[f(z)] under the posterior: f weighted by the masses of the grid. (F,)"""
    z, masses, _ = posterior_nodes(x, theta, decoder)
    return masses[:, 0] @ f(z)


def after_langevin(f, x, theta, decoder, size):
    """E[f] under the posterior, and what a step adds.

    F where it goes less f where it came from, over all pairs of nodes. (F,)
    """
    z, masses, _ = posterior_nodes(x, theta, decoder)
    flow = masses * moves(z, x, theta, decoder, size) * (z[1, 0] - z[0, 0])
    return masses[:, 0] @ f(z) + np.sum(flow, axis=0) @ f(z) - np.sum(flow, axis=1) @ f(z)


def draws_after_langevin(eps, f, x, theta, decoder, size):
    """f (R, F) after one step from posterior draws, averaged over S of them."""
    z, e, u = eps[..., 0, None, None], eps[..., 1, None, None], eps[..., 2, None]
    return np.mean(f(langevin_step(z, e, u, x, theta, decoder, size)[..., 0, :]), axis=1)


def after_two_moves(at, e, u, x, theta, decoder, size):
    """States (K, D) that two steps reach from at (K, D) with noise e (2, K, D) and u (2, K), and by how much the log
    joint is higher there: (K, D + 1).

    The second step is told the value and the slope that the first has found, as in a chain.
    """
    value, slope = log_joint_and_slope(at[:, None], x, theta, decoder)
    z, higher = at[:, None], value
    for one, limit in zip(e, u):
        z, higher, slope, _ = langevin_move(z, higher, slope, one[:, None], limit[:, None], x, theta, decoder, size)
    return np.column_stack([z[:, 0], higher - value])


def flow_there(at, to, x, theta, decoder, size, log_density):
    """p(z | x) k(z' | z) a(z, z') (K,) for K pairs z = at (K, 1) and z' = to (K, 1).

    Log_density (2, K) is the posterior's at both.
    """
    (value, slope), (other, back) = (log_joint_and_slope(z[:, None, :], x, theta, decoder) for z in (at, to))
    there, home = log_proposal(to, at, slope[:, 0], size), log_proposal(at, to, back[:, 0], size)
    k = np.exp(there) / (size * np.sqrt(2 * np.pi))
    return np.exp(log_density[0]) * k * accept(other[:, 0] - value[:, 0] + home - there)


def flow_back(at, to, x, theta, decoder, size, log_density):
    """p(z' | x) k(z | z') a(z', z) (K,), taken from the table of all moves among all points."""
    table, K = moves(np.concatenate([at, to]), x, theta, decoder, size), len(at)
    return np.exp(log_density[1]) * np.diagonal(table[K:, :K])
