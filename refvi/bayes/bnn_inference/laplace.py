"""Laplace's approximation by all of the curvature, its diagonal or two factors: derivations/bayes/bnn_inference.md.

Shapes: inputs y (N, D), targets x (N, K) with normal noise of precision B (K, K), weights w (D, K) flat in the order of
networks.py, under N(0, prior_sd^2 I).
RAI, "Computing posterior over W"; MacKay (1992), A practical Bayesian framework for backpropagation networks; Ritter,
Botev and Barber (2018), A scalable Laplace approximation for neural networks.
"""
import numpy as np

from refvi.bayes.bayesian_nn.model import forward, layers


# ---- a regression with K outputs, whose posterior is normal

def curvature(y, B, prior_sd):
    """Minus the second derivatives (D K, D K) of log p(x, w) in w, wherever w is."""
    return np.kron(y.T @ y, B) + np.eye(y.shape[1] * len(B)) / prior_sd**2


def mode(x, y, B, prior_sd):
    """The weights (D K,) of the highest log p(x, w): a ridge regression."""
    return np.linalg.solve(curvature(y, B, prior_sd), np.ravel(y.T @ x @ B))


def full_laplace(y, B, prior_sd):
    """The covariance (D K, D K) by Laplace: the inverse of the whole curvature."""
    return np.linalg.inv(curvature(y, B, prior_sd))


def diagonal_laplace(y, B, prior_sd):
    """The variances (D K,) by the curvature's diagonal alone."""
    return 1 / np.diag(curvature(y, B, prior_sd))


def eigenbasis(A, B, prior_sd):
    """(basis (D K, D K), eigenvalues (D K,)) of kron(A, B) + I / prior_sd^2, from those of its factors."""
    (a, U), (b, V) = np.linalg.eigh(A), np.linalg.eigh(B)
    return np.kron(U, V), np.kron(a, b) + prior_sd**-2


def kronecker_laplace(y, B, prior_sd):
    """The covariance (D K, D K) from two factors, no matrix of all weights inverted."""
    basis, eigenvalues = eigenbasis(y.T @ y, B, prior_sd)
    return basis / eigenvalues @ basis.T


def damped_laplace(y, B, prior_sd):
    """The covariance (D K, D K) where each factor gets a share 1 / prior_sd of the prior, as Ritter et al. have it."""
    return np.kron(*(np.linalg.inv(own + np.eye(len(own)) / prior_sd) for own in (y.T @ y, B)))


def spread_by_the_root(eps, y, B, prior_sd):
    """Averages of w w' over S draws w = L^-T eps about the mode, L L' the curvature. Returns (R, D K, D K)."""
    w = drawn(eps, curvature(y, B, prior_sd))
    return np.swapaxes(w, -1, -2) @ w / eps.shape[-2]


def drawn(eps, precision):
    """Standard normals eps (..., P) as draws of N(0, precision^-1): w = L^-T eps, in rows w' = eps' L^-1.

    ValueError where the precision has an eigenvalue that is not positive.
    """
    try:
        lower = np.linalg.cholesky(precision)
    except np.linalg.LinAlgError:
        raise ValueError(f"the curvature is not positive (smallest eigenvalue {np.linalg.eigvalsh(precision)[0]:.3g}): "
                         "no normal has it; climb to a mode first, or take gauss_newton's, which is never negative"
                         ) from None
    return eps @ np.linalg.inv(lower)


# ---- networks with normal noise: net is a BayesianNetwork, w (P,) its weights

def weights_and_slopes(w, y, net):
    """For every layer: what enters it, with a one for the bias (N, m + 1), and the slopes (K, N, n) of the outputs in
    what it adds up.
    """
    K, hs, found = net.sizes[-1], forward(w, y, net), []
    delta = np.broadcast_to(np.eye(K)[:, None], (K, len(y), K))
    for level, (W, _) in reversed(list(enumerate(layers(w, net)))):
        h = np.column_stack([hs[level], np.ones(len(y))]) if net.biases else hs[level]
        found.append((h, delta))
        if level:
            delta = delta @ W.T * net.g.slope(hs[level])
    return found[::-1]


def jacobian(w, y, net):
    """Of the outputs in w, (K N, P): a datum's gradient in a layer's weights is an outer product."""
    blocks = [np.einsum("nm,kni->mikn", h, delta).reshape(h.shape[1] * delta.shape[2], net.sizes[-1] * len(y))
              for h, delta in weights_and_slopes(w, y, net)]
    return np.concatenate(blocks).T


def gauss_newton(w, y, net):
    """The curvature (P, P) of minus the log likelihood, without what bends the outputs: never negative."""
    J = jacobian(w, y, net)
    return net.beta * J.T @ J


def kronecker_factors(w, y, net):
    """[(A (m + 1, m + 1), B (n, n))] of every layer: its block of the curvature is taken for kron(A, B).

    A averages products of inputs, B sums products of slopes, as if the two were independent over the data.
    """
    return [(h.T @ h / len(y), net.beta * np.einsum("kni,knj->ij", delta, delta))
            for h, delta in weights_and_slopes(w, y, net)]


def kronecker_block(w, y, net):
    """The last layer's block of the curvature, from its factors."""
    return np.kron(*kronecker_factors(w, y, net)[-1])
