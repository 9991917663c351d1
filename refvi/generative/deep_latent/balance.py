"""What a step of a Markov chain leaves unchanged, line by line: derivations/generative/deep_latent.md.

For one datum x (1, n) and one latent number: states are nodes z (K, 1) of the posterior's grid or points at (K, 1), f maps states (..., 1) to (..., F)
numbers, size is the spread of a proposal. eps (R, S, 3) is a posterior draw, a standard normal and a uniform one. Hastings (1970).
"""
import numpy as np

from refvi.base.families.lam import trapezoid
from refvi.generative.deep_latent.mcmc import langevin_step, log_joint_and_slope, log_proposal, metropolis_step
from refvi.generative.deep_latent.model import posterior_nodes


def accept(rise):
    """min(1, exp(rise))."""
    return np.exp(np.minimum(rise, 0.))


def moves(at, x, theta, d, size, drift=1, proposal_term=True):
    """Density (K, K) of an accepted move from the point in the row to that in the column, points at (K, 1).

    drift: 0 for Metropolis, 1 for Langevin; proposal_term: whether the acceptance weighs the densities of the proposals there and back.
    """
    value, slope = log_joint_and_slope(x, at[:, None, :], theta, d)
    there = log_proposal(at[None, :, :], at[:, None, :], drift * slope, size)
    rise = value[:, 0][None, :] - value + (there.T - there if proposal_term else 0.)
    return np.exp(there) / (size * np.sqrt(2 * np.pi)) * accept(rise)


def expectation_after(f, x, theta, d, size, drift, proposal_term=True):
    """E[f] under the posterior, and what a step adds: f where it goes less f where it came from, over all pairs of nodes."""
    z, masses, _ = posterior_nodes(x, theta, d)
    flow = masses * moves(z, x, theta, d, size, drift, proposal_term) * (z[1, 0] - z[0, 0])
    return masses[:, 0] @ f(z) + np.sum(flow, axis=0) @ f(z) - np.sum(flow, axis=1) @ f(z)


def under_posterior(f, x, theta, d):
    """f weighted by the posterior masses of the grid."""
    z, masses, _ = posterior_nodes(x, theta, d)
    return masses[:, 0] @ f(z)


def after_metropolis(f, x, theta, d, size):
    """A step without drift: the proposals there and back are equally likely."""
    return expectation_after(f, x, theta, d, size, drift=0)


def after_langevin(f, x, theta, d, size):
    """A step with drift, whose proposals are not."""
    return expectation_after(f, x, theta, d, size, drift=1)


def proposal_term_forgotten(f, x, theta, d, size):
    """The slip: drift in the proposal, and an acceptance that knows nothing of it."""
    return expectation_after(f, x, theta, d, size, drift=1, proposal_term=False)


def never_rejected(f, x, theta, d, size):
    """The slip of a hurry: every proposal of Langevin's is taken, by a product of two rules."""
    z, masses, _ = posterior_nodes(x, theta, d)
    _, slope = log_joint_and_slope(x, z[:, None, :], theta, d)
    t, h = trapezoid(64)
    to = z + 0.5 * size**2 * slope[:, 0, :] + size * t
    return np.einsum("k,t,ktf->f", masses[:, 0], h * np.exp(-0.5 * t**2) / np.sqrt(2 * np.pi), f(to[..., None]))


def start_and_noise(eps):
    """Parts of eps (R, S, 3): a posterior draw (R, S, 1, 1), a standard normal one, and a uniform one (R, S, 1)."""
    return eps[..., :1, None], eps[..., 1:2, None], eps[..., 2:]


def draws_after_metropolis(eps, f, x, theta, d, size):
    """f (R, K) after one step from posterior draws, averaged over S of them."""
    z, e, u = start_and_noise(eps)
    return np.mean(f(metropolis_step(z, e, u, x, theta, d, size)[..., 0, :]), axis=1)


def draws_after_langevin(eps, f, x, theta, d, size):
    """The same for a Langevin step."""
    z, e, u = start_and_noise(eps)
    return np.mean(f(langevin_step(z, e, u, x, theta, d, size)[..., 0, :]), axis=1)


def flow_there(at, to, x, theta, d, size, log_density):
    """p(z | x) k(z' | z) a(z, z') for K pairs of points z = at (K, 1) and z' = to (K, 1), log_density (2, K) the posterior's at both: (K,)."""
    return np.exp(log_density[0]) * pairs(at, to, x, theta, d, size, proposal_term=True)


def flow_back(at, to, x, theta, d, size, log_density):
    """The same read from the other end: what leaves z' for z, taken from the table of all moves among all points."""
    table = moves(np.concatenate([at, to]), x, theta, d, size)
    K = len(at)
    return np.exp(log_density[1]) * np.diagonal(table[K:, :K])


def flow_without_proposal_term(at, to, x, theta, d, size, log_density):
    """The slip: accepted by the densities alone."""
    return np.exp(log_density[0]) * pairs(at, to, x, theta, d, size, proposal_term=False)


def pairs(at, to, x, theta, d, size, proposal_term):
    """Density (K,) of an accepted Langevin move between the points of each pair."""
    (value, slope), (other, back) = (log_joint_and_slope(x, z[:, None, :], theta, d) for z in (at, to))
    there, home = log_proposal(to, at, slope[:, 0], size), log_proposal(at, to, back[:, 0], size)
    return np.exp(there) / (size * np.sqrt(2 * np.pi)) * accept(other[:, 0] - value[:, 0] + proposal_term * (home - there))
