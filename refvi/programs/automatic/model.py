"""What is asked of a model: a log joint density of named values, whole or from parts, for all data or for a batch of
them.

Shapes: a value is (1, S) for a scalar, (1, S, n) for a vector; log densities are (1, S), one number for each of S
draws.
"""
from typing import Callable, NamedTuple

import numpy as np

from refvi.base.checks import require_count, require_finite, require_one_each


class Parts(NamedTuple):
    """log p(x, z) = log p(z) + log p(x | z), kept apart because a minibatch scales only the second. Log densities in
    nats."""
    log_prior: Callable             # z -> (1, S)
    log_likelihood: Callable        # (z, *data) -> (1, S), the sum over the data it is given


class Target(NamedTuple):
    """The log joint density a fit climbs: of every step, on a batch of its own if there are any, and of all data."""
    of_step: Callable               # rng -> log_joint(z), (1, S)
    of_all: Callable                # log_joint(z), (1, S)
    noisy: bool                     # whether steps see batches


def target(model, data, batch):
    """The Target of a log_joint(z), or of Parts with their data, arrays of N rows each; batch: rows seen by one
    step."""
    if not isinstance(model, Parts):
        if data is not None or batch is not None:
            raise ValueError("data and batch belong to a model from parts: pass Parts(log_prior, log_likelihood), "
                             "of which a batch scales the likelihood alone")
        log_joint = checked("log_joint", model)
        return Target(lambda rng: log_joint, log_joint, False)
    data = rows(data)
    N = len(data[0])
    prior, likelihood = checked("log_prior", model.log_prior), checked("log_likelihood", model.log_likelihood)

    def of(scale, pieces):
        return lambda z: scale * likelihood(z, *pieces) + prior(z)

    if batch is None:
        return Target(lambda rng: of(1., data), of(1., data), False)
    if require_count("batch", batch) > N:
        raise ValueError(f"batch={batch} is more than the N={N} data: take at most N, or leave it out for all of them")

    def of_step(rng):
        index = rng.choice(N, batch, replace=False)
        return of(N / batch, [piece[index] for piece in data])

    return Target(of_step, of(1., data), batch < N)


def rows(data):
    """The data as a tuple of arrays with the same number of rows, at least one; ValueError otherwise."""
    if data is None:
        raise ValueError("a model from parts needs data=(x, ...), arrays whose first axis counts the data")
    data = tuple(np.asarray(piece) for piece in (data if isinstance(data, (tuple, list)) else (data,)))
    lengths = {len(piece) if piece.ndim else 0 for piece in data}
    if len(lengths) != 1 or 0 in lengths:
        shapes = ", ".join(str(piece.shape) for piece in data)
        raise ValueError(f"data have shapes {shapes}, expected the same number of rows in each, at least one")
    for place, piece in enumerate(data):
        if piece.dtype.kind in "fiu":
            require_finite(f"data[{place}]", piece)
    return data


def checked(name, log_density):
    """The function with its result's shape checked: a log density that is not one number for each draw would
    broadcast silently."""
    def one_for_each(z, *data):
        return require_one_each(name, log_density(z, *data), np.shape(z[0])[:2])
    return one_for_each
