"""What functions ask of their arguments: each require_* returns the value, or raises an error that names the remedy."""
from numbers import Integral, Real

import autograd.numpy as np
import numpy
from autograd.tracer import getval

LARGEST = 1e152     # of a number of which several are squared and summed


def require_one_each(name, values, shape):
    """values, one number for each of the R repetitions of S draws, shape = (R, S); else a ValueError."""
    if np.shape(values) != tuple(shape):
        R, S = shape
        raise ValueError(
            f"{name} returned shape {np.shape(values)} for z of {R} repetition{'s' * (R > 1)} of {S} "
            f"draws, expected ({R}, {S}): one number for each draw, sums over data and over the parts of z "
            "taken inside"
        )
    return values


def require_real(name, value):
    """value as an array of floats; ValueError for text, objects, complex numbers, ragged rows and masked values.

    Whole numbers and truth values become float64, whatever their type: unsigned ones would wrap around where they are
    subtracted.
    """
    value = given = require_unmasked(name, value)
    try:
        value = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} has rows of different lengths: give every row one value for each column") from None
    kind = value.dtype.kind
    if kind in "US":
        word = str(value.ravel()[0])
        first = "write decimals with a point, then " if "," in word else ""
        raise ValueError(f"{name} holds text ({word}): {first}convert it with np.asarray({name}, float)")
    if kind == "O":
        flat = numpy.asarray(given, object).ravel()
        items = (item[()] if isinstance(item, numpy.ndarray) else item for item in flat)
        odd = next((item for item in items if not isinstance(item, Real)), None)
        raise ValueError(f"{name} holds Python objects ({type(odd).__name__} among them): drop what is missing, "
                         f"then convert it with np.asarray({name}, float)")
    if kind not in "biuf":
        raise ValueError(f"{name} holds {value.dtype}, expected real numbers")
    if kind in "ui" and value.size and max(abs(int(value.max())), abs(int(value.min()))) > 2**53:
        raise ValueError(
            f"{name} holds {value.ravel()[numpy.argmax(numpy.abs(value.astype(float)))]}, beyond 2^53: not exact as "
            "a float, rescale it or take logarithms"
        )
    return value.astype(float if kind in "biu" else numpy.result_type(value, numpy.float32), copy=False)


def require_unmasked(name, value):
    """value, of a masked array the data; a ValueError where some of them are masked."""
    if not numpy.ma.isMaskedArray(value):
        return value
    if numpy.ma.is_masked(value):
        raise ValueError(f"{name} is a masked array with {numpy.ma.count_masked(value)} of {value.size} values masked: "
                         "take those that are there (x.compressed(), or whole rows without a gap), or fill them in")
    return value.data


def require_shape(name, value, shape, meaning):
    """value as a float array of this shape, in which None is any length and ... any leading axes; else a ValueError."""
    value = require_real(name, value)
    tail = shape[1:] if shape[:1] == (...,) else shape
    got = value.shape[max(value.ndim - len(tail), 0):] if shape[:1] == (...,) else value.shape
    if len(got) != len(tail) or any(want not in (None, n) for n, want in zip(got, tail)):
        wanted = ", ".join({...: "...", None: "any"}.get(n, str(n)) for n in shape) + "," * (len(shape) == 1)
        raise ValueError(f"{name} has shape {value.shape}, expected ({wanted}): {meaning}")
    return value


def require_some(name, value):
    """value, or a ValueError where it has no rows."""
    if not len(value):
        raise ValueError(f"no data: {name} has no rows")
    return value


def require_finite(name, value, squared=True):
    """value, or a ValueError that names the first entry that is nan or infinite, or, if squared, whose square is."""
    plain = getval(value)
    largest = max(float(numpy.max(plain, initial=0.)), -float(numpy.min(plain, initial=0.)))
    if not numpy.isfinite(largest):
        bad = np.argwhere(~np.isfinite(value))
        index = ", ".join(map(str, bad[0]))
        raise ValueError(f"{name}[{index}] is {value[tuple(bad[0])]}; {len(bad)} of {value.size} values non-finite: "
                         "clean or drop them before they reach a likelihood")
    if squared and not largest < LARGEST:
        raise ValueError(f"{name} holds values as large as {largest:.1g}, whose squares overflow: rescale it")
    return value


def require_positive(name, value, remedy):
    """value, or a ValueError that says what to pass instead."""
    if not np.all(np.asarray(value) > 0):
        raise ValueError(f"{name} must be > 0, got {value} ({remedy})")
    return value


def require_sd(name, value):
    """A standard deviation as a float; ValueError where it, its square or its inverse is not a number > 0."""
    remedy = "a standard deviation, not a variance or its logarithm"
    if not 1 / LARGEST < require_positive(name, value, remedy) < LARGEST:
        raise ValueError(f"{name} is {value}, beyond what can be squared: rescale the data")
    return float(value)


def spread(values):
    """Standard deviation of each column (D,), zero where the values differ by no more than rounding."""
    sd, size = np.std(values, axis=0), np.max(np.abs(values), axis=0, initial=0.)
    return np.where(sd > 8 * numpy.finfo(float).eps * size, sd, 0.)


def require_count(name, value):
    """value, or a ValueError: a number of draws, data or steps is an integer of at least 1."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be an integer >= 1, got {value!r}")
    return value


def require_bound(elbo, log_evidence):
    """elbo, or an ArithmeticError where it exceeds the log evidence by more than rounding."""
    rounding = 1e5 * np.finfo(float).eps * max(1., abs(elbo), abs(log_evidence))
    if not elbo <= log_evidence + rounding:
        raise ArithmeticError(f"the ELBO {elbo:.10g} exceeds the log evidence {log_evidence:.10g}: one of the two is "
                              "computed wrongly, look for a missing normalizer or an entropy with the wrong sign")
    return elbo
