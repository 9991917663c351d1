"""Networks with dropout, fitted and asked as they stand, or once for each of many masks.

Shapes: y (N, D) inputs, x (N,) targets, both standardized; theta (P,) as in heads.py, the log of the noise's deviation
last. Gal and Ghahramani (2016), Dropout as a Bayesian approximation; Srivastava et al. (2014).
"""
import numpy as np

from refvi.base.checks import require_count, require_finite, require_shape
from refvi.base.optimize import adam
from refvi.base.special import logsumexp
from refvi.bayes.dropout.rows import require_keep
from refvi.likelihood.heads import Network, back, normal, output, through
from refvi.likelihood.networks import Activation, initial, rectified, relu, require_inputs

HIDDEN = 50
PRIOR_SD = 1.       # of every weight and bias
LONELY = 0.01       # a layer may lose all its units at most so often


def dropping(rng, keep):
    """Rectified units, each kept with probability keep and then divided by it: every pass draws its own masks, in the
    dtype of what comes in. What is not zero was kept, so a value tells its slope.
    """
    require_keep(keep)

    def value(a):
        kept = rng.random(a.shape, a.dtype) < keep
        return relu(a) * (kept * a.dtype.type(1 / keep))

    return Activation(value, lambda h: (h > 0) * h.dtype.type(1 / keep))


def require_units(keep, sizes):
    """keep, or a ValueError where a hidden layer would lose all its units too often: nothing of the input is left then.
    """
    for n in sizes[1:-1]:
        if (1 - require_keep(keep))**n > LONELY:
            raise ValueError(f"a hidden layer of {n} units loses all of them with probability {(1 - keep)**n:.2g}, "
                             f"keep={keep}: more units, or a larger keep")
    return keep


def network(D, g=rectified):
    """D inputs, one hidden layer, a mean, and one deviation for all data."""
    return Network((D, HIDDEN, 1), normal, g)


def bound_gradient(theta, x, y, N, net, keep=1.):
    """Gradient (P,) of the bound, estimated from M of N data, x (M, 1) and y (M, D): their log-likelihood times N / M,
    less keep |theta|^2 / (2 PRIOR_SD^2) of weights and biases, which is what masks leave of a normal prior.
    """
    hs = through(theta, y, net)
    pull = np.where(np.arange(len(theta)) < len(theta) - net.free, keep / PRIOR_SD**2, 0.)
    return N / len(x) * back(theta, hs, normal.slope(x, hs[-1]), net)[0] - pull * theta


def fit(rng, x, y, keep=None, epochs=100, M=32, rate=1e-2):
    """An Ascent of the bound by Adam on minibatches of M, each with new masks; without keep no unit is dropped."""
    y = require_finite("y", require_inputs(y))
    N = len(y)
    x = require_finite("x", require_shape("x", x, (N,), f"one target for each of the N={N} rows of y"))[:, None]
    if require_count("M", M) > N:
        raise ValueError(f"a minibatch of M={M} out of N={N} data: M must be at most N")
    net, share = network(y.shape[1]), 1.
    if keep is not None:
        net, share = network(y.shape[1], dropping(rng, keep)), require_units(keep, net.sizes)
    theta, total = np.append(initial(rng, net.sizes), 0.), require_count("epochs", epochs) * (N // M)
    batches = iter(np.concatenate([rng.permutation(N)[:N // M * M].reshape(-1, M) for _ in range(epochs)]))

    def gradient(theta):
        batch = next(batches)
        return bound_gradient(theta, x[batch], y[batch], N, net, share)

    return adam(gradient, theta, total, lambda t: rate * (1 - 0.95 * t / total))


def passes(rng, theta, y, keep, T):
    """Means (T, N) of T passes, each datum of each pass with masks of its own, and the noise's deviation."""
    y = require_finite("y", require_inputs(y))
    stacked = np.broadcast_to(y, (require_count("T", T), *y.shape))
    return output(theta, stacked, network(y.shape[1], dropping(rng, keep)))[..., 0], np.exp(theta[-1])


def as_they_stand(theta, y):
    """Means (1, N) of the network with all its units, and the noise's deviation."""
    y = require_finite("y", require_inputs(y))
    return output(theta, y, network(y.shape[1]))[None, :, 0], np.exp(theta[-1])


def log_predictive(x, means, sd):
    """log (1/T) sum_t N(x_n | means_tn, sd^2) (N,) in nats."""
    t = (x - means) / sd
    return logsumexp(-0.5 * t**2, axis=0) - np.log(len(means) * sd * np.sqrt(2 * np.pi))
