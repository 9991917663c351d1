"""Two constraints, line by line: derivations/likelihood/constraints.md. The tape and the optimizers stand beside it.

Shapes: alpha (K,) logits of a latent z, values f (K,) that z stands for; log_joint(z, theta) of one z in 0..K-1.
UA, "Constraints" and "Big Data"; WI, "Deep Generative Models" and "Unsupervised Learning".
"""
import autograd.numpy as np
from autograd import grad as autograd_grad

from refvi.base.families.discrete import categorical
from refvi.base.families.gaussian import diagonal_normal
from refvi.base.optimize import adam, gradient_ascent
from refvi.likelihood.constraints.optimizers import adagrad, momentum, rmsprop
from refvi.likelihood.constraints.tape import grad
from refvi.likelihood.heads import output, softmax
from refvi.likelihood.mle.rows import without_replacement
from refvi.likelihood.networks import relu, sigmoid


# ---- differentiable

def summed_log_likelihood(theta, x, y, network):
    """log p(x | y) of all data below a network, in nats."""
    return np.sum(network.observed.log_prob(x, output(theta, y, network)))


def gradient_by_tape(theta, x, y, network):
    """Gradient (P,) of the log-likelihood in the weights, by our own tape."""
    return grad(lambda theta: summed_log_likelihood(theta, x, y, network))(theta)


def gradient_by_autograd(theta, x, y, network):
    """Gradient (P,) of the log-likelihood in the weights, by autograd's tape."""
    return autograd_grad(lambda theta: summed_log_likelihood(theta, x, y, network))(theta)


def distances_by_steps(slopes, start, rate):
    """How far ascent, momentum, Adagrad, RMSProp and Adam go, (5, P), where they meet these slopes (T, P)."""
    def distance(way):
        met = iter(slopes)
        return way(lambda lam: next(met), start, len(slopes), rate).lam - start

    return np.array([distance(way) for way in (gradient_ascent, momentum, adagrad, rmsprop, adam)])


# ---- what breaks it

def value_and_slope(f, at):
    """f, a number, and its gradient (K,) in at (K,) by the tape, side by side (1 + K,)."""
    return np.append(f(at), grad(f)(at))


def tape_through_the_sum(alpha, f):
    """Mean of f over all values of z, and its slope (1 + K,): the sum is differentiated."""
    return value_and_slope(lambda alpha: np.sum(softmax(alpha) * f), alpha)


def tape_through_a_draw(alpha, f, u, masses):
    """Mean, over uniform draws u with their masses, of f at the value of z that u picks, and of its slope (1 + K,).

    z is how many cumulative probabilities lie below u: a comparison, which has no slope.
    """
    def picked(alpha, u):
        below = softmax(alpha) @ np.triu(np.ones((len(f), len(f)))) < u
        return f[np.sum(below)]

    return masses @ np.array([value_and_slope(lambda alpha: picked(alpha, one), alpha) for one in u])


def tape_through_the_path(lam, t, w):
    """Slope (2,) of E[sin z], z = mu + sigma t and lam = (mu, log sigma), on nodes t of standard noise, masses w."""
    return grad(lambda lam: np.sum(w * np.sin(lam[0] + np.exp(lam[1]) * t)))(lam)


def straight_through(p, target):
    """Expected slope in p of (b - target)^2 for a coin b, if db/dp is taken for one."""
    return sum(mass * grad(lambda b: (b - target)**2)(float(b)) for b, mass in ((0, 1 - p), (1, p)))


def mean_of_the_slopes(threshold, t, w):
    """Mean of the slopes in the threshold of sigmoid(relu(z - threshold)), zero below the kink; nodes t, masses w."""
    return grad(lambda threshold: np.sum(w * sigmoid(relu(t - threshold))))(threshold)


# ---- tractable

def passes_counted(K, order, D, N, M):
    """How many densities are evaluated: by a sum over K outcomes, by a product rule of D axes, for the gradient on a
    minibatch of M of N data, in one batch and in all batches that there are.
    """
    batches = without_replacement(N).rule(M, order=1)[0]
    rules = categorical.nodes(np.zeros(K)), diagonal_normal.nodes(np.zeros(2 * D), order)
    return np.array([*(len(w) for _, w in rules), batches.shape[1], batches.size])


def gradient_by_a_chain(log_joint, theta, K, steps):
    """Average (P,) of the joint's gradient over where Metropolis chains from all K values are after some steps, by
    powers of their matrix.

    Only ratios of joint densities enter: p(x) and the posterior do not.
    """
    heights = np.array([log_joint(z, theta) for z in range(K)])
    moves = np.minimum(1, np.exp(heights - heights[:, None])) / K
    matrix = moves + np.diag(1 - np.sum(moves, axis=1))
    where = np.mean(np.linalg.matrix_power(matrix, steps), axis=0)
    return sum(share * grad(lambda theta: log_joint(z, theta))(theta) for z, share in enumerate(where))
