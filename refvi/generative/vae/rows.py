"""The variational autoencoder of the slides, line by line: derivations/generative/vae.md. Kingma and Welling (2014), Auto-encoding variational Bayes; PML, "Fun with MNIST".

Shapes: x (N, n) pixels, l (..., N, n) logits or means, eps and points (..., N, D) noise, lam (N, 2 D) = [mu, log_sd], weights (P,) = encoder's phi, then
decoder's theta. Reconstruction and KL in nats for each datum, bounds in nats PER DATUM, that is averages over the N data. These rows are to be read;
fast.py has the same in buffers, training.py the epochs, evaluate.py what a fit is worth, store.py its file.
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.core import Estimate
from refvi.base.families.lam import halves
from refvi.generative.vae import fast
from refvi.generative.vae.model import NOTEBOOK, SLIDE, VALIDATION, architecture, split      # noqa: F401
from refvi.generative.vae.training import adam, batches
from refvi.likelihood.networks import backward, forward, rectified, sigmoid


# ---- what is seen, from logits

def softplus_of_logits(x, l):
    """log Bernoulli(x | sigmoid(l)) summed over pixels (N,): no probability is ever computed."""
    return np.sum(x * l - np.logaddexp(0., l), axis=-1)


def odds_against(x, l):
    """One exponential: with s = 1 - 2x, exp(s l) are the odds against what was seen."""
    return -np.sum(np.log(1 + np.exp((1 - 2 * x) * l)), axis=-1)


def half_angle(x, l):
    """One tanh: 1 - |x - 1/2 - tanh(l/2)/2| is the probability of what was seen."""
    return np.sum(np.log(1 - np.abs(x - 0.5 - 0.5 * np.tanh(0.5 * l))), axis=-1)


def sigmoid_twice(x, l):
    """The slip: probabilities handed to a function that expects logits."""
    p = sigmoid(l)
    return np.sum(x * p - np.logaddexp(0., p), axis=-1)


def mean_over_pixels(x, l):
    """The slip: averaged over the n pixels of a datum, and the KL beside it outweighs it n-fold."""
    return np.mean(x * l - np.logaddexp(0., l), axis=-1)


# ---- its slope

def residual(x, l):
    """What was seen less its expectation (N, n)."""
    return x - sigmoid(l)


def residual_of_odds(x, l):
    """The exponential again: s (1/(1 + o) - 1)."""
    s = 1 - 2 * x
    return s * (1 / (1 + np.exp(s * l)) - 1)


def residual_of_half_angle(x, l):
    """The tanh again; its modulus is one less the probability of what was seen."""
    return x - 0.5 - 0.5 * np.tanh(0.5 * l)


def residual_after_two_sigmoids(x, l):
    """The slip's slope: it hardly depends on l."""
    return x - sigmoid(sigmoid(l))


def residual_over_variance(x, l, sd):
    """The Gaussian's slope in its mean."""
    return (x - l) / sd**2


def residual_over_sd(x, l, sd):
    """The slip: a standard deviation where the variance belongs."""
    return (x - l) / sd


# ---- the divergence from the prior

def closed_form_divergence(lam):
    """KL(q || N(0, I)) (N,) in nats: a sum over the D coordinates."""
    mu, log_sd = halves(lam)
    return np.sum(0.5 * (mu**2 + np.exp(2 * log_sd) - 1) - log_sd, axis=-1)


def mean_over_coordinates(lam):
    """The slip: an average over the D coordinates."""
    mu, log_sd = halves(lam)
    return np.mean(0.5 * (mu**2 + np.exp(2 * log_sd) - 1) - log_sd, axis=-1)


def half_the_log(lam):
    """The slip: log_sd read as the logarithm of a variance."""
    mu, log_sd = halves(lam)
    return np.sum(0.5 * (mu**2 + np.exp(log_sd) - 1 - log_sd), axis=-1)


# ---- the bound of one draw a datum

def likelihood_of(shape, x, l):
    """log p(x | z) (..., N) in nats, from the decoder's output."""
    if shape.likelihood == "bernoulli":
        return softplus_of_logits(x, l)
    return np.sum(-0.5 * ((x - l) / shape.sd)**2 - np.log(shape.sd) - 0.5 * np.log(2 * np.pi), axis=-1)


def lam_of(weights, x, shape):
    """lam (N, 2 D) of the encoder."""
    return forward(split(weights, shape)[0], x, shape.encoder, rectified)[-1]


def output_of(weights, z, shape):
    """The decoder's output (..., N, n)."""
    return forward(split(weights, shape)[1], z, shape.decoder, rectified)[-1]


def one_draw(eps, weights, x, shape):
    """Reconstruction of one draw a datum less the closed-form KL, averaged over data: what Adam sees. eps (R, 1, N, D), returns (R,)."""
    lam = lam_of(weights, x, shape)
    mu, log_sd = halves(lam)
    return np.mean(likelihood_of(shape, x, output_of(weights, mu + np.exp(log_sd) * eps[:, 0], shape)) - closed_form_divergence(lam), axis=-1)


def on_nodes(weights, x, shape, nodes, mass):
    """The bound with its expectation by a rule: noise at nodes (k, D) of this mass (k,), the same for every datum."""
    lam = lam_of(weights, x, shape)
    mu, log_sd = halves(lam)
    z = mu + np.exp(log_sd) * nodes[:, None]
    return np.mean(mass @ likelihood_of(shape, x, output_of(weights, z, shape)) - closed_form_divergence(lam))


def at_the_mean(weights, x, shape):
    """The slip: z = mu instead of a draw. Not a bound of anything."""
    lam = lam_of(weights, x, shape)
    return np.mean(likelihood_of(shape, x, output_of(weights, halves(lam)[0], shape)) - closed_form_divergence(lam))


# ---- its variance

def variance_of_own_noise(weights, x, shape, nodes, mass):
    """Every datum its own noise: variances of the N reconstructions add, over N^2."""
    mu, log_sd = halves(lam_of(weights, x, shape))
    values = likelihood_of(shape, x, output_of(weights, mu + np.exp(log_sd) * nodes[:, None], shape))
    return np.sum(mass @ (values - mass @ values)**2) / len(x)**2


def variance_of_shared_noise(weights, x, shape, nodes, mass):
    """The slip: one noise for the whole batch; the mean is right, and the covariances come in."""
    mu, log_sd = halves(lam_of(weights, x, shape))
    values = np.mean(likelihood_of(shape, x, output_of(weights, mu + np.exp(log_sd) * nodes[:, None], shape)), axis=1)
    return mass @ (values - mass @ values)**2


# ---- the gradient in lam, for fixed noise

def slope_in_z(weights, x, z, shape):
    """The gradient of log p(x | z) in z (N, D), carried back through the decoder."""
    theta, inputs = split(weights, shape)[1], np.empty(z.shape)
    hs = forward(theta, z, shape.decoder, rectified)
    delta = x - sigmoid(hs[-1]) if shape.likelihood == "bernoulli" else (x - hs[-1]) / shape.sd**2
    backward(theta, hs, delta, shape.decoder, rectified, inputs=inputs)
    return inputs


def through_the_draw(weights, x, lam, points, shape):
    """[delta_z - mu, delta_z sd eps + 1 - sd^2] (N, 2 D): the draw's share and the KL's."""
    mu, log_sd = halves(lam)
    sd = np.exp(log_sd)
    delta = slope_in_z(weights, x, mu + sd * points, shape)
    return np.concatenate([delta - mu, delta * sd * points + 1 - sd**2], axis=-1)


def without_the_spread(weights, x, lam, points, shape):
    """The slip: d z / d log sd taken for eps."""
    mu, log_sd = halves(lam)
    sd = np.exp(log_sd)
    delta = slope_in_z(weights, x, mu + sd * points, shape)
    return np.concatenate([delta - mu, delta * points + 1 - sd**2], axis=-1)


def without_the_entropy(weights, x, lam, points, shape):
    """The slip: the KL's one, which is the entropy's slope, is forgotten."""
    mu, log_sd = halves(lam)
    sd = np.exp(log_sd)
    delta = slope_in_z(weights, x, mu + sd * points, shape)
    return np.concatenate([delta - mu, delta * sd * points - sd**2], axis=-1)


# ---- the gradient in all weights

def value_of(weights, x, points, shape):
    """The bound of one draw at fixed noise (N, D)."""
    lam = lam_of(weights, x, shape)
    mu, log_sd = halves(lam)
    return np.mean(likelihood_of(shape, x, output_of(weights, mu + np.exp(log_sd) * points, shape)) - closed_form_divergence(lam))


def automatic_gradient(weights, x, points, shape):
    """Autograd through the readable bound. (P,)"""
    return grad(value_of)(weights, x, points, shape)


def backward_through_both(weights, x, points, shape):
    """Back through the decoder, into the draw, into the encoder's two heads, back through the encoder. (P,)"""
    phi, theta = split(weights, shape)
    inner = forward(phi, x, shape.encoder, rectified)
    mu, log_sd = halves(inner[-1])
    sd = np.exp(log_sd)
    outer, delta_z = forward(theta, mu + sd * points, shape.decoder, rectified), np.empty(mu.shape)
    delta = x - sigmoid(outer[-1]) if shape.likelihood == "bernoulli" else (x - outer[-1]) / shape.sd**2
    in_theta = backward(theta, outer, delta / len(x), shape.decoder, rectified, inputs=delta_z)
    delta_lam = np.concatenate([delta_z - mu / len(x), delta_z * sd * points + (1 - sd**2) / len(x)], axis=-1)
    return np.concatenate([backward(phi, inner, delta_lam, shape.encoder, rectified), in_theta])


def fast_gradient(weights, x, points, shape):
    """The step in buffers, in the dtype of the weights. (P,)"""
    return stepped(weights, x, points, shape)


def in_single_precision(weights, x, points, shape):
    """The same step in float32: wrong by the unit roundoff times the length of the sums a number passes through, and no more."""
    gradient = np.asarray(stepped(weights.astype(np.float32), x, points, shape), float)
    return Estimate(gradient, sum(shape.encoder + shape.decoder) * np.finfo(np.float32).eps / 2 * np.max(np.abs(gradient)))


def stepped(weights, x, points, shape):
    """The gradient fast.step leaves, which sums over data, divided by their number."""
    room, into = fast.buffers(shape, len(x), weights.dtype), np.empty_like(weights)
    room.x[:], room.eps[:] = x, points
    fast.step(fast.both(weights, shape), fast.both(into, shape), shape, room)
    return into / len(x)


def encoder_frozen_in_the_draw(weights, x, points, shape):
    """The slip: the draw is taken for data, and the encoder feels the KL alone."""
    phi, theta = split(weights, shape)
    inner = forward(phi, x, shape.encoder, rectified)
    mu, log_sd = halves(inner[-1])
    sd = np.exp(log_sd)
    outer = forward(theta, mu + sd * points, shape.decoder, rectified)
    delta = x - sigmoid(outer[-1]) if shape.likelihood == "bernoulli" else (x - outer[-1]) / shape.sd**2
    in_theta = backward(theta, outer, delta / len(x), shape.decoder, rectified)
    delta_lam = np.concatenate([-mu, 1 - sd**2], axis=-1) / len(x)
    return np.concatenate([backward(phi, inner, delta_lam, shape.encoder, rectified), in_theta])


# ---- Adam

def climbed(gradients, rate):
    """Where training's Adam takes weights that begin at zero, along gradients (T, P). (P,)"""
    weights, first, second = np.zeros((3, gradients.shape[1]))
    for step, gradient in enumerate(gradients, 1):
        adam(weights, first, second, gradient.copy(), step, rate, since=step)
    return weights


def flat_adam(gradients, rate):
    """Unscaled moments in growing units, all that depends on the step in one factor. (P,)"""
    return climbed(gradients, rate)


def adam_without_correction(gradients, rate):
    """The slip: moments that begin at zero, taken for averages from the first step on."""
    weights, first, second = np.zeros((3, gradients.shape[1]))
    for gradient in gradients:
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        weights = weights + rate * first / np.sqrt(second)
    return weights


def first_step(gradients, rate):
    """Training's Adam after one step. (P,)"""
    return climbed(gradients[:1], rate)


# ---- one epoch

def seen_in_an_epoch(order, M):
    """How often each datum is met (N,), in training's minibatches."""
    seen = np.zeros(len(order))
    for part in batches(len(order), M):
        seen[order[part]] += 1
    return seen


def whole_batches_alone(order, M):
    """The slip: the last, short minibatch is dropped, and with it the data in it."""
    seen = np.zeros(len(order))
    for part in batches(len(order) - len(order) % M, M):
        seen[order[part]] += 1
    return seen


def weighted_minibatches(values, order, M):
    """Averages over minibatches, each weighted by its size: the average over data."""
    return sum(np.mean(values[order[part]]) * len(order[part]) for part in batches(len(order), M)) / len(order)


def sums_over_full_size(values, order, M):
    """The slip: every minibatch's sum divided by M, the short last one's too, and then averaged."""
    return np.mean([np.sum(values[order[part]]) / M for part in batches(len(order), M)])


# ---- the data of the slides

def training_and_validation():
    """The slide's 55,000 and what is held out of the file's images."""
    return 55_000 + VALIDATION


def point_read_as_decimal():
    """The slip: 55.000 in a text whose decimals have points."""
    return 55.000 + VALIDATION


def notebook_digits(labels, order, digits=(5, 6, 7), each=100):
    """Indices of the notebook's images: the first `each` of every digit in a random order of all, as the code has it."""
    return np.concatenate([order[labels[order] == digit][:each] for digit in digits])


def digits_by_code(labels, order):
    """How often each digit is among the notebook's images (10,)."""
    return np.bincount(labels[notebook_digits(labels, order)], minlength=10)


def digits_by_text(labels, order):
    """The slip: what the notebook's text says."""
    return np.bincount(labels[notebook_digits(labels, np.sort(order), (0, 1, 2))], minlength=10)


def counted_parameters():
    """Encoder and decoder of the slide; encoder and linear decoder of the notebook."""
    return np.array([*SLIDE.counts, *NOTEBOOK.counts])
