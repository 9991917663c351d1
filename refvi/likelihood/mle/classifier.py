"""A classifier x | y ~ Cat(softmax of a network of y): log-likelihood, gradient by hand, minibatch ascent. UA, "MLE".

Shapes: y (N, 784) inputs in [0, 1], x (N,) labels, logits (N, K). The gradient of log Cat(x | logits) in the logits is
the indicator of x minus the probabilities; the network carries it backward.
"""
import numpy as np

from refvi.base.checks import require_count, require_finite, require_shape
from refvi.base.optimize import adam
from refvi.likelihood.networks import backward, forward, initial, rectified, require_inputs

SIZES = (784, 256, 64, 10)
BLOCK = 2000            # data held as floats at once where no gradient is needed


def log_softmax(logits):
    """log probabilities, shifted by the largest logit: no overflow for logits of 800."""
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))


def log_probabilities(theta, y, sizes=SIZES):
    """log Cat(k | y) (N, K) for every outcome k, in nats."""
    y = require_finite("y", require_inputs(y, sizes[0]))
    blocks = (y[start:start + BLOCK] for start in range(0, len(y), BLOCK))
    return np.concatenate([log_softmax(forward(theta, block, sizes, rectified)[-1]) for block in blocks])


def log_likelihood(theta, x, y, sizes=SIZES):
    """log Cat(x_n | y_n) (N,) in nats."""
    return log_probabilities(theta, y, sizes)[np.arange(len(y)), require_labels(x, len(y), sizes[-1])]


def gradient(theta, x, y, sizes=SIZES, out=None, g=rectified):
    """Gradient (P,) of the summed log-likelihood, in the dtype of theta and y; the hot path, without checks."""
    hs = forward(theta, y, sizes, g)
    return backward(theta, hs, residuals(hs[-1], x), sizes, g, out)


def residuals(logits, x):
    """The gradient in the logits (N, K), written into them: the indicator of x (N,) minus the probabilities."""
    logits -= np.max(logits, axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= -np.sum(logits, axis=1, keepdims=True)
    logits[np.arange(len(x)), x] += 1
    return logits


def require_labels(x, N, K):
    """Labels (N,) as integers in 0..K-1, or a ValueError."""
    dtype = np.asarray(x).dtype
    x = require_shape("x", x, (N,), f"one label for each of the N={N} inputs")
    if dtype.kind not in "ui" or np.any((x < 0) | (x >= K)):
        raise ValueError(f"labels must be integers in 0..{K - 1}, got {dtype} from {x.min():g} to {x.max():g}"
                         + (": convert them with x.astype(int)" if dtype.kind not in "ui" else ""))
    return x.astype(int)


def fit(rng, x, images, epochs, M=128, rate=1e-3, sizes=SIZES, watch=None, dtype=np.float32, gradient=gradient,
        start=None):
    """An Ascent of the log-likelihood by Adam on minibatches of M without replacement, reshuffled every epoch.

    images (N, 784) uint8 are scaled to [0, 1] batch by batch, so that the set is never held as floats.
    watch(step, theta) is called after every step. gradient: of another objective; start: to climb from in its dtype.
    """
    if not isinstance(images, np.ndarray) or images.ndim != 2 or images.dtype != np.uint8 or np.ma.is_masked(images):
        kind = getattr(images, "dtype", type(images).__name__)
        raise ValueError(f"images are kept as uint8 and scaled batch by batch, got {kind} of shape {np.shape(images)}, "
                         f"expected uint8 of shape (N, {sizes[0]}), none masked")
    N = len(images)
    x = require_labels(x, N, sizes[-1])
    if require_count("M", M) > N:
        raise ValueError(f"a minibatch of M={M} out of N={N} data: M must be at most N")
    steps, out, order = N // M, None, None
    start = initial(rng, sizes, dtype) if start is None else start
    scale, step = np.array(1 / 255, start.dtype), 0

    def minibatch(theta):
        nonlocal out, order, step
        if step % steps == 0:
            order = rng.permutation(N)
        batch = order[step % steps * M:step % steps * M + M]
        step += 1
        out = np.empty_like(theta) if out is None else out
        return gradient(theta, x[batch], images[batch] * scale, sizes, out)

    total = require_count("epochs", epochs) * steps
    return adam(minibatch, start, total, lambda t: rate * (1 - 0.9 * t / total), watch)
