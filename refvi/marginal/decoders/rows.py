"""Decoders, line by line: derivations/marginal/decoders.md. The model and its evidence stand in model.py, bags of words
in topics.py.

Shapes as in model.py; outcomes (T, n) are points or a list of what x can be, widths (T,) what each stands for.
Deterministic rows return a number, (N,) or (P,), estimators (R, V). WI, "Deep Generative Models"; UA and SA, "When do
we have intractable likelihood?".
"""
import autograd.numpy as np
from autograd import grad, hessian

from refvi.base.core import Estimate
from refvi.base.families.lam import halves
from refvi.likelihood.heads import output
from refvi.marginal.decoders.model import gradient, inputs_of, log_evidence, log_joint, nodes, of_nodes, parts

NARROW = 1e-4, 1e-5     # standard deviations of the prior, in units of its own, on the way to none


# ---- the marginal

def mass_of_joint(outcomes, widths, y, theta, model):
    """p(x, z | y) summed over all outcomes and all nodes, for one row of side information y (F,)."""
    y = np.tile(y, (len(outcomes), 1))
    z, log_w = nodes(output(parts(theta, model)[0], y, model.prior), model)
    return np.sum(widths * np.exp(log_w + log_joint(outcomes, z, y, theta, model)))


def probabilities_of_outcomes(y, theta, model):
    """p(x = v | y) (V,) of the outcomes of a categorical x, for one row of side information y (F,)."""
    outcomes = np.eye(model.decoder.n)
    return np.exp(log_evidence(outcomes, np.tile(y, (len(outcomes), 1)), theta, model))


def frequencies_of_draws(eps, y, theta, model):
    """How often each outcome is drawn (R, V): z from eps[..., :D], standard normal, then x, from eps[..., D], uniform.
    """
    own, rest = parts(theta, model)
    mu, log_sd = halves(output(own, y[None], model.prior))
    z, u = mu + np.exp(log_sd) * eps[..., :model.D], eps[..., model.D:]
    pi = model.decoder.observed.mean(of_nodes(output(rest, inputs_of(z, np.tile(y, (np.shape(z)[1], 1))),
                                                     model.decoder), z))
    return np.mean(np.eye(model.decoder.n)[np.sum(np.cumsum(pi, axis=2) < u, axis=2)], axis=1)


def gradient_of_log_integral(x, y, theta, model):
    """Gradient (P,) of the sum of log p(x_n | y_n), by autograd through the sum over nodes."""
    return grad(lambda theta: np.sum(log_evidence(x, y, theta, model)))(theta)


def gradient_under_posterior(x, y, theta, model):
    """Gradient (P,) of the sum of log p(x_n | y_n), by Fisher's identity."""
    return gradient(x, y, theta, model)[1]


# ---- without the integral

def narrowed(theta, model, by):
    """theta with the standard deviation of a normal prior taken times a factor."""
    step = np.zeros(len(theta))
    step[model.prior.size - model.D:model.prior.size] = np.log(by)
    return theta + step


def joint_at_the_means(x, y, theta, model):
    """log p(x, z | y), summed over the data, at z_n = the mean of p(z | y_n)."""
    z = halves(output(parts(theta, model)[0], y, model.prior))[0][None]
    return np.sum(log_joint(x, z, y, theta, model))


def gain_of_a_tenth(x, y, theta, model):
    """What the joint density at the prior's means gains, in nats, where its standard deviation falls to a tenth."""
    narrow = narrowed(theta, model, 0.1)
    return joint_at_the_means(x, y, narrow, model) - joint_at_the_means(x, y, theta, model)


def marginal_without_spread(x, y, theta, model):
    """log p(x | y), summed over the data, as the prior's standard deviation goes to zero; the error is what the last
    tenth of it changes.
    """
    values = [np.sum(log_evidence(x, y, narrowed(theta, model, by), model)) for by in NARROW]
    return Estimate(values[1], np.ptp(values))


def curvatures(x, y, phi, theta_of, model):
    """Eigenvalues, the lowest first, of the second derivatives of the sum of log p(x_n | y_n) in phi, theta =
    theta_of(phi).
    """
    def value(phi):
        return np.sum(log_evidence(x, y, theta_of(phi), model))

    return np.linalg.eigvalsh(hessian(value)(phi))


# ---- what is gained

def nats_of_the_model(outcomes, widths, y, theta, model):
    """E[log p(x | y)] in nats, averaged over the rows of y, where x comes from the model itself: what no other model
    scores.
    """
    log_p = np.array([log_evidence(outcomes, np.tile(row, (len(outcomes), 1)), theta, model) for row in y])
    return np.mean(np.sum(widths * np.exp(log_p) * log_p, axis=1))


def nats_of_a_normal_head(outcomes, widths, y, theta, model):
    """E[log N(x | mu(y), sigma(y)^2)] of that x, averaged over the rows of y, for the best mu and sigma of all
    networks: its mean and standard deviation.
    """
    log_p = np.array([log_evidence(outcomes, np.tile(row, (len(outcomes), 1)), theta, model) for row in y])
    mass, x = widths * np.exp(log_p), outcomes[:, 0]
    mean = mass @ x
    return np.mean(-0.5 * np.log(2 * np.pi * np.e * (mass @ x**2 - mean**2)))
