"""What is asked of a model: a log joint density of named values, whole or from parts, for all data or for a batch of
them.

Shapes: a value is (1, S) for a scalar, (1, S, n) for a vector; log densities are (1, S), one number for each of S
draws.
"""
from typing import Callable, NamedTuple

import numpy as np

from refvi.base.checks import require_count, require_finite, require_one_each, require_real, spread

FAR = 20.       # a column's standard deviation is as far from one, or its mean from zero, that a fit may crawl


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
    unscaled: str = ""              # what to do about data whose columns have other sizes than one


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
        return Target(lambda rng: of(1., data), of(1., data), False, unscaled(data))
    if require_count("batch", batch) > N:
        raise ValueError(f"batch={batch} is more than the N={N} data: take at most N, or leave it out for all of them")

    def of_step(rng):
        index = rng.choice(N, batch, replace=False)
        return of(N / batch, [piece[index] for piece in data])

    return Target(of_step, of(1., data), batch < N, unscaled(data))


def rows(data):
    """The data as a tuple of arrays with the same number of rows, at least one; ValueError otherwise.

    A list of numbers, or of rows of them, is one array; a tuple, or a list of arrays, holds several. Signed integers
    and truth values stay what they are, for models that index with them; unsigned ones become signed.
    """
    if data is None:
        raise ValueError("a model from parts needs data=(x, ...), arrays whose first axis counts the data")
    data = data if holds_several(data) else (data,)
    data = tuple(piece_of(f"data[{place}]", piece) for place, piece in enumerate(data))
    lengths = {len(piece) if piece.ndim else 0 for piece in data}
    if len(lengths) != 1 or 0 in lengths:
        shapes = ", ".join(str(piece.shape) for piece in data)
        raise ValueError(f"data have shapes {shapes}, expected the same number of rows in each, at least one")
    return data


def holds_several(data):
    """Whether data is a tuple of arrays or of lists, or a list of arrays."""
    if isinstance(data, tuple):
        return any(hasattr(piece, "__len__") for piece in data)
    return isinstance(data, list) and any(np.ndim(piece) and hasattr(piece, "shape") for piece in data)


def piece_of(name, piece):
    """One array of the data, checked."""
    given = np.asarray(require_finite(name, require_real(name, piece)))
    kind = np.asarray(piece).dtype.kind
    if kind == "b":
        return np.asarray(piece)
    return np.asarray(piece, np.int64) if kind in "ui" else given


def unscaled(data):
    """A sentence about tables of inputs (N, D) and targets (N,) that are far from mean zero and spread one, or an empty
    one. Whole numbers are no targets to scale.
    """
    told = []
    for place, piece in enumerate(data):
        if piece.ndim > 2 or piece.dtype.kind != "f" or len(piece) < 2 or piece.ndim == 1 and np.all(piece % 1 == 0):
            continue
        columns = piece.reshape(len(piece), -1)
        sd, mean = spread(columns), np.mean(columns, axis=0)
        far = np.flatnonzero((sd > FAR) | (sd > 0) & ((sd < 1 / FAR) | (np.abs(mean) > FAR * sd)))
        for d in far[:1]:
            name = f"data[{place}]" if piece.ndim == 1 else f"column {d} of data[{place}]"
            told.append(f"{name} has mean {mean[d]:.3g} and standard deviation {sd[d]:.3g}")
    remedy = ": centre and scale inputs and targets alike to one, for a step moves all coordinates alike"
    return ", ".join(told) + remedy if told else ""


def checked(name, log_density):
    """The function with its result's shape checked: a log density that is not one number for each draw would
    broadcast silently."""
    def one_for_each(z, *data):
        try:
            values = log_density(z, *data)
        except ValueError as error:
            given = ", ".join([f"z.{name} {np.shape(value)}" for name, value in zip(z._fields, z)]
                              + [f"data {piece.shape}" for piece in data])
            raise ValueError(f"{name} of {given} raised: {error}") from error
        return require_one_each(name, values, np.shape(z[0])[:2])
    return one_for_each
