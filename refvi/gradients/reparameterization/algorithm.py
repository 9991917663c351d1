"""Inference along path gradients, for a log joint that autograd can differentiate and any family with a transport.

PML, "The Reparametrization Trick"; Kingma and Welling (2014), Auto-encoding variational Bayes.
"""
import numpy as np
from autograd import elementwise_grad
from autograd.tracer import getval

from refvi.base.checks import require_count, require_one_each
from refvi.base.optimize import adam
from refvi.gradients.bbvi.algorithm import finite, remember, warn_of_descent
from refvi.gradients.reparameterization.rows import path_gradient


def log_weight(log_joint, q, explicit=True):
    """f(z, lam) = log p(x, z) - log q(z | lam) for path_gradient, in nats, (..., S).

    explicit=False hands log q a lam that is not differentiated, which leaves the path part of the gradient.
    """
    def f(z, lam):
        log_q = q.log_prob(z, lam if explicit else getval(lam))
        values = require_one_each("log_joint", log_joint(z), np.shape(log_q))
        finite("log_joint", getval(values), getval(z))      # its slope may be finite all the same
        return values - log_q
    return f


def reparameterized(log_joint, q, lam, rng, steps, S, rate, watch=None, ascend=adam, explicit=False):
    """Climb the ELBO along path gradients, S draws a step, of log_joint(z) (..., S) in nats. Returns an Ascent.

    explicit=False climbs the slide's path part, True the total derivative. ascend is optimize.adam or gradient_ascent.
    Ctrl-C returns what has been reached. So does a log_joint, a log q or a slope that is not finite, with a
    RuntimeWarning that names it, its draw and the step. ValueError where q has no transport or log_joint a wrong shape.
    """
    require_count("S", S)
    f, zeros = log_weight(log_joint, q, explicit), np.zeros(len(lam))
    seen, first, averages = [], [], []      # log weights of the last step; the first ones; their averages

    def watched(z, lam):
        values = f(z, lam)
        seen[:] = [getval(values)]
        return values

    def gradient(lam):
        eps = q.sample(rng, zeros, (1, S))
        g = path_gradient(eps, watched, q, lam)[0]
        remember(seen[0], first, averages)
        if not np.all(np.isfinite(g)):
            name_what_is_not(q.transport(eps, lam), lam)
        return g

    def name_what_is_not(z, lam):
        finite("log_joint", log_joint(z), z)
        finite("log q", q.log_prob(z, lam), z)
        finite("the slope of log_joint", elementwise_grad(log_joint)(z), z)

    ascent = ascend(gradient, lam, steps, rate, watch)
    if not ascent.stopped:
        warn_of_descent(first, averages)
    return ascent
