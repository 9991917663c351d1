"""What an encoder must be able to say: lam_i = h(x_i), and whether h is linear.

Shapes: x (N, n), lam (N, 2 D), theta a Linear. PML, "Variational inference and the VAE"; RAI, "Role of encoder: take x
as input and generate an encoding z".
"""
import autograd.numpy as np

from refvi.generative.gaps.encoder import best_encoder, encode, moments_of
from refvi.generative.gaps.rows import each_climbed
from refvi.likelihood.networks import forward


# ---- h(x_i) = lam_i

def lam_of_each(x, theta):
    """Climbed for each datum on its own. (N, 2 D)"""
    return each_climbed(x, theta)


def lam_of_encoder(x, theta):
    """The best linear h that sees all of x, trained on the average. (N, 2 D)"""
    return put_out(x, x, np.arange(x.shape[1]), theta)


def lam_of_partial_sight(x, sees, theta):
    """The best linear h that sees a part of x. (N, 2 D)"""
    return put_out(x, x, sees, theta)


def put_out(data, x, sees, theta):
    """lam (., 2 D) of other data at the best encoder of the data x."""
    return encode(data, best_encoder(moments_of(x), sees, theta), sees, theta)


# ---- superposition: the code of a mixture t x + (1 - t) x' of two data, against the mixture of their codes

def code_of_mixture(x, t, theta):
    """The linear encoder's mean at the mixture of the first two data, fitted on all. (D,)"""
    mixture = t * x[:1] + (1 - t) * x[1:2]
    return put_out(mixture, x, np.arange(x.shape[1]), theta)[0, :theta.W.shape[1]]


def mixture_of_codes(x, t, theta):
    """The mixture of its means at the two data. (D,)"""
    first, second = put_out(x[:2], x, np.arange(x.shape[1]), theta)[:, :theta.W.shape[1]]
    return t * first + (1 - t) * second


def network_at_mixture(weights, x, t, sizes, g):
    """A network with a hidden layer, at the mixture of the first two data. (D,)"""
    return forward(weights, t * x[:1] + (1 - t) * x[1:2], sizes, g)[-1][0]


def mixture_of_network(weights, x, t, sizes, g):
    """The mixture of its outputs at the two data. (D,)"""
    first, second = forward(weights, x[:2], sizes, g)[-1]
    return t * first + (1 - t) * second
