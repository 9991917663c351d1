"""The variational autoencoder of the slides, line by line: derivations/generative/vae.md. PML, "Fun with MNIST - The
model".

Shapes: x (N, n) pixels, l (N, n) logits, points (N, D) noise that is held, weights (P,) = encoder's phi, then
decoder's theta; shape an Architecture. Values in nats for each datum, gradients of averages over the N data. The bound
itself and its gradient are derived in refvi.generative.amortization; here stands what makes them fast: fast.py has
them in buffers, training.py the epochs, evaluate.py what a fit is worth, store.py its file. Kingma and Welling (2014),
Auto-encoding variational Bayes.
"""
import numpy as np

from refvi.base.core import Estimate
from refvi.generative.amortization.minibatch import batches
from refvi.generative.amortization.model import bound_and_gradients
from refvi.generative.vae import fast
from refvi.generative.vae.model import NOTEBOOK, SLIDE, held_apart, split
from refvi.generative.vae.training import adam


# ---- the model in numbers

def counted_parameters():
    """Encoder and decoder of the slide; encoder and linear decoder of the notebook. (4,)"""
    return np.array([*SLIDE.counts, *NOTEBOOK.counts])


def training_and_validation(images):
    """How many of a file's images the fit trains on, and how many it watches meanwhile. (2,)"""
    return np.array([len(part) for part in held_apart(images)])


def notebook_digits(labels, order, digits=(5, 6, 7), each=100):
    """Indices of the notebook's images.

    The first `each` of every digit in a random order of all, as the code has it.
    """
    return np.concatenate([order[labels[order] == digit][:each] for digit in digits])


def digits_by_code(labels, order):
    """How often each digit is among the notebook's images (10,)."""
    return np.bincount(labels[notebook_digits(labels, order)], minlength=10)


# ---- what is seen, from logits

def odds_against(x, l):
    """log p(x | l) (N,) by one exponential: with s = 1 - 2x, exp(s l) are the odds against what was seen."""
    return -np.sum(np.log(1 + np.exp((1 - 2 * x) * l)), axis=-1)


def half_angle(x, l):
    """log p(x | l) (N,) by one tanh: 1 - |x - 1/2 - tanh(l/2)/2| is the probability of what was seen."""
    return np.sum(np.log(1 - np.abs(x - 0.5 - 0.5 * np.tanh(0.5 * l))), axis=-1)


def residual_of_odds(x, l):
    """The slope of log p(x | l) in every logit (N, n) by the same exponential: s (1/(1 + o) - 1)."""
    s = 1 - 2 * x
    return s * (1 / (1 + np.exp(s * l)) - 1)


def residual_of_half_angle(x, l):
    """The slope of log p(x | l) in every logit (N, n) by the same tanh.

    Its modulus is one less the probability of what was seen.
    """
    return x - 0.5 - 0.5 * np.tanh(0.5 * l)


# ---- the gradient in all weights

def gradient_by_hand(weights, x, points, shape):
    """The readable code's: refvi.generative.amortization. (P,)"""
    one_draw = points[None], np.ones(1)
    return np.concatenate(bound_and_gradients(*split(weights, shape), x, *shape.networks, *one_draw)[1:])


def fast_gradient(weights, x, points, shape):
    """The step in buffers, in the dtype of the weights. (P,)"""
    return stepped(weights, x, points, shape)


def in_single_precision(weights, x, points, shape):
    """The step in float32.

    Wrong by the unit roundoff times the length of the sums a number passes through, and no more. (P,)
    """
    gradient = np.asarray(stepped(weights.astype(np.float32), x, points, shape), float)
    sums = sum(shape.encoder + shape.decoder)
    return Estimate(gradient, sums * np.finfo(np.float32).eps / 2 * np.max(np.abs(gradient)))


def stepped(weights, x, points, shape):
    """The gradient fast.step leaves, which sums over data, divided by their number."""
    room, into = fast.buffers(shape, len(x), weights.dtype), np.empty_like(weights)
    room.x[:], room.eps[:] = x, points
    fast.step(fast.both(weights, shape), fast.both(into, shape), shape, room)
    return into / len(x)


# ---- Adam and an epoch

def climbed(gradients, rate):
    """Where training's Adam takes weights that begin at zero, along gradients (T, P). (P,)"""
    weights, first, second = np.zeros((3, gradients.shape[1]))
    for step, gradient in enumerate(gradients, 1):
        adam(weights, first, second, gradient.copy(), step, rate, since=step)
    return weights


def flat_adam(gradients, rate):
    """Unscaled moments in growing units, all that depends on the step in one factor. (P,)"""
    return climbed(gradients, rate)


def first_step(gradients, rate):
    """Training's Adam after one step. (P,)"""
    return climbed(gradients[:1], rate)


def seen_in_an_epoch(order, M):
    """How often each datum is met (N,), in training's minibatches."""
    seen = np.zeros(len(order))
    for part in batches(len(order), M):
        seen[order[part]] += 1
    return seen
