"""What functions ask of their arguments: each require_* returns the value, or raises an error that names the remedy."""
from numbers import Integral

import autograd.numpy as np


def require_one_each(name, values, shape):
    """values, one number for each of the R repetitions of S draws, shape = (R, S); else a ValueError."""
    if np.shape(values) != tuple(shape):
        R, S = shape
        raise ValueError(f"{name} returned shape {np.shape(values)} for z of {R} repetition{'s' * (R > 1)} of {S} "
                         f"draws, expected ({R}, {S}): one number for each draw, sums over data and over the parts of z "
                         "taken inside")
    return values


def require_shape(name, value, shape, meaning):
    """value as a float array of this shape, in which None is any length and ... any leading axes; else a ValueError."""
    value = np.asarray(value)
    if value.dtype.kind not in "biuf":
        raise ValueError(f"{name} holds {value.dtype}, expected real numbers: {meaning}")
    if value.dtype.kind in "ui" and value.size and np.max(np.abs(value)) > 2**53:
        raise ValueError(f"{name} holds {np.max(np.abs(value))}, beyond 2^53: not exact as a float, "
                         "rescale it or take logarithms")
    value = value.astype(np.result_type(value, np.float32), copy=False)
    tail = shape[1:] if shape[:1] == (...,) else shape
    got = value.shape[max(value.ndim - len(tail), 0):] if shape[:1] == (...,) else value.shape
    if len(got) != len(tail) or any(want not in (None, n) for n, want in zip(got, tail)):
        wanted = ", ".join({...: "...", None: "any"}.get(n, str(n)) for n in shape) + "," * (len(shape) == 1)
        raise ValueError(f"{name} has shape {value.shape}, expected ({wanted}): {meaning}")
    return value


def require_finite(name, value):
    """value, or a ValueError that names the first entry that is nan or infinite."""
    bad = np.argwhere(~np.isfinite(value))
    if len(bad):
        index = ", ".join(map(str, bad[0]))
        raise ValueError(f"{name}[{index}] is {value[tuple(bad[0])]}; {len(bad)} of {value.size} values non-finite: "
                         "clean or drop them before they reach a likelihood")
    return value


def require_positive(name, value, remedy):
    """value, or a ValueError that says what to pass instead."""
    if not np.all(np.asarray(value) > 0):
        raise ValueError(f"{name} must be > 0, got {value} ({remedy})")
    return value


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
