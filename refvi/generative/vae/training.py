"""Epochs of Adam along one-draw gradients of the ELBO; between two epochs a Training holds all there is, chance
included, so that it can go on from there.

Shapes: x (N, n), weights (P,) = encoder's, then decoder's. A fit that is stored after an epoch, loaded and continued
is bit for bit the fit that was never interrupted: the generator's state, Adam's moments and the number of steps are
part of it, and everything else an epoch needs is drawn in it.
"""
import math
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import get_blas_funcs

from refvi.base.checks import require_count, require_positive
from refvi.generative.amortization.minibatch import batches
from refvi.generative.vae import fast
from refvi.generative.vae.evaluate import bound
from refvi.generative.vae.model import Architecture, require_data, start

DECAY = (0.9, 0.999)
# to fast.step, which notices odds beyond the largest number, and to one_epoch, which notices the rest
LEFT = dict(over="ignore", invalid="ignore")
FOLD = 256              # steps after which moments are folded back: 0.9^-256 is 5e11
# of second moments, so that a weight without a gradient stays where it is; first moments below it are zero, not
# subnormal and slow
FLOOR = 1e-30


class Settings(NamedTuple):
    """How a fit climbs."""
    M: int = 128                # data in a minibatch
    rate: float = 1e-3
    delay: float = np.inf       # epochs after which the rate has halved: rate / (1 + epoch/delay)
    # each with its share of the minibatch; another number adds the shares up in another order
    threads: int = 1


NOTEBOOK = Settings(M=300, rate=1e-2)           # the students' notebook: all its 300 images in every step, 1000 steps
SOLUTION = Settings(M=300, rate=1e-3)           # the same for the deeper networks of its solution


class Training(NamedTuple):
    """A fit after a whole number of epochs."""
    shape: Architecture
    settings: Settings
    weights: np.ndarray         # (P,)
    first: np.ndarray           # (P,) moments of Adam, without their factors 1 - decay
    second: np.ndarray          # (P,)
    steps: int
    # (epochs, 4): reconstruction and KL while training, held-out ELBO and its standard error, nats per image
    history: np.ndarray
    chance: Any                 # the state of the bit generator
    data: dict                  # what it was fitted to, as `stamp` in refvi.generative.vae.store has it

    @property
    def epochs(self):
        """Whole epochs done."""
        return len(self.history)


def begin(rng, shape, settings=Settings(), data=None, dtype=np.float32):
    """A Training before its first epoch. Its chance is a stream of its own, which rng starts."""
    for name in ("M", "threads"):
        require_count(name, getattr(settings, name))
    require_positive("rate", settings.rate, "ascent is uphill already")
    if not np.ndim(settings.rate) == 0 or not np.isfinite(settings.rate):
        raise ValueError(f"rate must be one finite number, got {settings.rate}")
    require_positive("delay", settings.delay, "epochs until the rate has halved")
    own = np.random.SFC64(rng.integers(2**63, size=2).tolist())
    weights = start(np.random.Generator(own), shape, dtype)
    return Training(shape, settings, weights, np.zeros_like(weights), np.zeros_like(weights), 0, np.empty((0, 4)),
               own.state, data or {})


def epochs(fit, x, held_out=None, watch=None, step=fast.step):
    """The Training after each epoch, without end; fits already yielded stay as they are.

    ArithmeticError where the bound is no longer finite.

    held_out (N', n) data are looked at after each epoch, with noise of their own; watch(done) is called after each
    minibatch with the data seen. step is what a minibatch is climbed by.
    """
    x = require_data(x, fit.shape)
    held_out = None if held_out is None else require_data(held_out, fit.shape)
    if fit.settings.M > len(x):
        raise ValueError(f"a minibatch of M={fit.settings.M} out of N={len(x)} data: M must be at most N")
    workers = Workers(fit, x.dtype, step)
    with workers.pool:
        while True:
            yield (fit := one_epoch(fit, x, held_out, workers, watch))


class Workers:
    """Threads, each with buffers for its share of a minibatch and a gradient of its own; with one thread, the caller
    itself."""

    def __init__(self, fit, kind, step):
        self.step, self.shape, self.count = step, fit.shape, min(fit.settings.threads, fit.settings.M)
        P, dtype = len(fit.weights), fit.weights.dtype
        self.rooms = [fast.buffers(fit.shape, -(-fit.settings.M // self.count), dtype, kind) for _ in range(self.count)]
        self.gradients = [np.empty(P, dtype) for _ in range(self.count)]
        self.into = [fast.both(gradient, fit.shape) for gradient in self.gradients]
        self.pool = ThreadPoolExecutor(max(self.count - 1, 1), initializer=partial(np.seterr, **LEFT))

    def each(self, work):
        """[work(0), work(1), ...], the last one here and the others in threads of their own."""
        others = [self.pool.submit(work, k) for k in range(self.count - 1)]
        own = work(self.count - 1)
        return [other.result() for other in others] + [own]

    def gradient(self, own, x, batch, eps):
        """(reconstruction, KL) of a minibatch, summed; the gradient is in self.gradients, one a thread."""
        shares = [slice(len(batch) * k // self.count, len(batch) * (k + 1) // self.count) for k in range(self.count)]

        def work(k):
            rows, room = batch[shares[k]], self.rooms[k]
            if len(rows) < len(room.x):
                room = fast.first_rows(room, len(rows))
            # rows come from a permutation; checked again, they would be copied once more
            np.take(x, rows, axis=0, out=room.picked, mode="clip")
            np.copyto(room.x, room.picked)
            room.eps[:] = eps[shares[k]]
            return self.step(own, self.into[k], self.shape, room)
        return tuple(map(sum, zip(*self.each(work))))

    def climb(self, weights, first, second, step, rate, since):
        """One step of Adam, each thread on its part of all vectors."""
        P = len(weights)

        def work(k):
            part = slice(P * k // self.count, P * (k + 1) // self.count)
            gradient = self.gradients[0][part]
            for other in self.gradients[1:]:
                gradient += other[part]
            adam(weights[part], first[part], second[part], gradient, step, rate, since)
        self.each(work)


@lru_cache
def add_scaled(dtype):
    """BLAS's axpy(x, y, a=a): y += a x in one pass over memory, where NumPy takes two."""
    return get_blas_funcs("axpy", dtype=dtype)


def adam(weights, first, second, gradient, step, rate, since):
    """One step uphill, in place and in six calls: flat vectors, moments without their factors 1 - decay and in units
    that grow as they would decay.

    `since` steps after the units were last folded back, first is 0.9^-since times the moment: what is new is added
    with a weight, and nothing else is touched. All that depends on the step is in the last factor. gradient is
    overwritten.
    """
    axpy = add_scaled(weights.dtype)
    first_unit, second_unit = DECAY[0]**since, DECAY[1]**since
    axpy(gradient, first, a=1 / first_unit)
    axpy(np.multiply(gradient, gradient, out=gradient), second, a=1 / second_unit)
    np.divide(first, np.sqrt(second, out=gradient), out=gradient)
    spread = ((1 - DECAY[1]) / (1 - DECAY[1]**step) * second_unit)**0.5
    axpy(gradient, weights, a=rate * (1 - DECAY[0]) / (1 - DECAY[0]**step) * first_unit / spread)


def fold(first, second, since):
    """Back to units of one, before they overflow."""
    first *= first.dtype.type(DECAY[0]**since)
    second *= second.dtype.type(DECAY[1]**since)
    first[np.abs(first) < FLOOR] = 0


def one_epoch(fit, x, held_out, workers, watch):
    """The Training one epoch on: every datum once, in a fresh order, the last minibatch as short as it comes."""
    N, M = len(x), fit.settings.M
    rng = resumed(fit.chance)
    order, eps = rng.permutation(N), rng.standard_normal((N, fit.shape.D), dtype=fit.weights.dtype.type)
    later = rng.integers(2**63)         # of the held-out noise: whoever does not look leaves the stream as it is
    weights, first, steps = fit.weights.copy(), fit.first.copy(), fit.steps
    second = np.maximum(fit.second, fit.second.dtype.type(FLOOR))
    own, sums, rate = fast.both(weights, fit.shape), (0., 0.), fit.settings.rate / (1 + fit.epochs / fit.settings.delay)
    with np.errstate(**LEFT):
        for count, part in enumerate(batches(N, M)):
            terms = workers.gradient(own, x, order[part], eps[part])
            if not all(map(math.isfinite, terms)):
                found = f"reconstruction {terms[0]:.6g}, KL {terms[1]:.6g} nats at step {steps + 1}"
                raise ArithmeticError(f"{found}, in epoch {fit.epochs + 1}: not finite. The fit after epoch "
                                      f"{fit.epochs} is kept; a rate below {rate:g} may get further")
            steps += 1
            since = count % FOLD + 1
            workers.climb(weights, first, second, steps, rate, since)
            if since == FOLD or part.stop == N:
                fold(first, second, since)
            sums = sums[0] + terms[0], sums[1] + terms[1]
            if watch:
                watch(part.stop)
    seen = np.full(2, np.nan)
    if held_out is not None:
        with np.errstate(**LEFT):
            values = bound(fit.shape, weights, held_out, np.random.Generator(np.random.SFC64(later)))
        seen = np.mean(values), np.std(values) / np.sqrt(len(values))
    return fit._replace(weights=weights, first=first, second=second, steps=steps, chance=rng.bit_generator.state,
                        history=np.vstack([fit.history, [*np.divide(sums, N), *seen]]))


def resumed(state):
    """A Generator that goes on from the state of another."""
    bits = getattr(np.random, state["bit_generator"])()
    bits.state = state
    return np.random.Generator(bits)
