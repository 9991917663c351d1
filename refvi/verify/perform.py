"""Run one row on one stage: call it with the stage's values, watch what it enters, and turn all that can go wrong into
a Fault.
"""
import inspect
import traceback
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from refvi.base.core import Estimate
from refvi.verify.document import Fault, Refusal
from refvi.verify.fresh import Guard
from refvi.verify.tracing import Trace, chapters_of, code_of, codes_in, is_own, wrappers_of

PILOT = 2_000               # repetitions a random row is first tried on,
FEW = slice(1, None, 300)   # and those of them, from all over, that must give the same alone


class Played(NamedTuple):
    """A row that ran: a deterministic one has a value, a random one a function of eps."""
    row: Any
    modules: set                        # of refvi that it entered
    taken: set                          # from the stage: its arguments, and () behind those that it called
    own: dict                           # key -> name of what it rests on besides its arguments
    shape: tuple                        # of the value; of one repetition for a random row
    value: np.ndarray | None = None
    error: Any = 0.                     # the value's own, coordinate by coordinate, where the row knows it
    whole: np.ndarray | None = None     # the value in Python's integers, if it consists of them
    at: Any = None                      # eps (R, S, ...) -> (R, d)
    with_draws: Any = None              # S -> the deterministic row for S draws, where S is among its symbols

    @property
    def random(self):
        return self.at is not None

    @property
    def chapters(self):
        """Of refvi that it entered."""
        return chapters_of(self.modules)


def symbols(function):
    """(needed, known): the names a row asks the stage for, without and with those that have a default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise Fault(f"the signature of {function!r} cannot be read",
                    "wrap it in a function whose arguments are the stage's names") from None
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD, p.POSITIONAL_ONLY) for p in parameters):
        raise Fault("a row with *args, **kwargs or positional-only arguments",
                    "wrap it in a def that names its arguments: their names are the wiring")
    free = [
        p for p in parameters if p.name not in getattr(function, "keywords", ())
    ]  # a partial keeps what it has bound
    needed = [p.name for p in free if p.default is p.empty and p.name != "eps"]
    return needed + ["noise"] * any(p.name == "eps" for p in free), [p.name for p in free]


def freeze(value):
    """A copy of the stage's value with its arrays made read-only, so that no row can change what the next one gets."""
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    elif isinstance(value, tuple):
        fields = [freeze(field) for field in value]
        value = value._make(fields) if hasattr(value, "_make") else tuple(fields)
    elif type(value) is list:
        value = [*map(freeze, value)]
    elif type(value) is dict:
        value = {key: freeze(field) for key, field in value.items()}
    return value


def call(function, values):
    """Call a row with the values for its argument names."""
    arguments = {name: freeze(values[name]) for name in symbols(function)[1] if name in values}
    before = np.random.get_state()[1:3]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            warnings.simplefilter("error", UserWarning)
            value = function(**arguments)
    except Fault:
        raise
    except Exception as error:
        kind = Refusal if isinstance(error, ValueError) else Fault
        raise kind(f"raised {type(error).__name__}: {error}{where(error, function)}", remedy_for(error)) from None
    after = np.random.get_state()[1:3]
    if not np.array_equal(before[0], after[0]) or before[1] != after[1]:
        raise Fault(
            "draws from NumPy's global generator", "take eps as an argument: nothing else in a row may be random"
        )
    return value


def where(error, function):
    """ (file:line) of the last frame in the row's own file."""
    code = code_of(function)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if code and f.filename == code.co_filename]
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""


def remedy_for(error):
    if "read-only" in str(error):
        return "a row may not change its inputs, copy the array first"
    if isinstance(error, Warning):
        return "warnings count as errors: compute in log space, and keep autograd's argument in the expression"
    return "run the row by hand with the stage's values"


def as_array(value):
    """(value, error, whole): a finite float array, the error it declares, and Python's own integers if it consists of
    them.
    """
    value, error = value if isinstance(value, Estimate) else (value, 0.0)
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.empty(1, object)
    whole = None
    if (array.dtype.kind in "iu" or array.dtype.kind == "O" and array.size
        and all(type(number) is int for number in array.flat)):
        whole, array = array.astype(object), array.astype(float)
    require_numbers(value, array)
    if not np.all(np.isfinite(np.asarray(error, float))):
        raise Fault(f"carries the error {error}", "let an Estimate know how far it may lie off")
    if np.shape(error) not in ((), array.shape):
        raise Fault(f"carries an error of shape {np.shape(error)} for a value of shape {array.shape}",
                    "give one error, or one for each coordinate")
    return array.astype(float), np.abs(error) * np.ones(array.shape), whole


def require_numbers(value, array):
    """A Fault where a row returned something else than finite real numbers."""
    if array.dtype.kind == "c":
        raise Fault("returns complex numbers",
                    "return the real and the imaginary part as two coordinates, or the part that is meant")
    if array.dtype.kind not in "fiu":
        raise Fault(f"returns {type(value).__name__} ({array.dtype})", "return a float or an array of floats")
    if array.size == 0:
        raise Fault(f"returns an empty array of shape {array.shape}", "return one value per parameter")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise Fault(f"is {array[tuple(bad[0])]} at index {tuple(map(int, bad[0]))}, "
                    f"{len(bad)} of {array.size} values not finite",
                    "compute in log space, and keep the stage away from the edge of the domain")


def require_noise(values):
    """(noise, S) of a stage, or a Fault where it does not say what is random."""
    noise, S = values["noise"], values.get("S")
    if not hasattr(noise, "draw") or not hasattr(noise, "rule"):
        raise Fault(f"noise is a {type(noise).__name__}", "supply it as a Noise, for instance noise=noise(q, lam)")
    if not isinstance(S, (int, np.integer)) or isinstance(S, bool) or S < 1:
        raise Fault(f"S must be an integer >= 1, got {S!r}",
                    "let the stage supply S, the number of draws each repetition averages")
    return noise, S


def draw(noise, rng, R, S):
    """eps (R, S, ...) of a noise, or a Fault where it has another shape."""
    eps = noise.draw(rng, R, S)
    if np.shape(eps)[:2] != (R, S):
        raise Fault(f"the noise drew shape {np.shape(eps)} for {R} repetitions of S = {S} draws",
                    "let noise.draw return (R, S, ...), or raise a ValueError where S can be no other number")
    return eps


class Trail(NamedTuple):
    """What a row did in a process of its own: the modules of refvi it entered, what it took from the stage, the sources
    it rests on, what it returned.
    """

    modules: set
    taken: set
    sources: dict  # key -> name; see Trace.sources
    value: Any
    label: str  # of the setting on which it did


def pilot_of(row, function, values, stream):
    """(values, eps): what a row is first called with, where eps holds PILOT draws; and these draws with some more, None
    for a row without.
    """
    if not is_random(function):
        return values, None
    noise, S = require_noise(values)
    rng = stream(row.tag, "pilot")
    eps = draw(noise, rng, PILOT + int(rng.integers(1, 100)), S)
    return {**values, "eps": eps[:PILOT]}, eps


def is_random(function):
    return "eps" in symbols(function)[1]


def watch(row, label, functions, values, stream, memories=()):
    """Run a row under the trace and the guard, where no other row has run before: a Trail.

    memories are caches to be emptied first, or a helper that a neighbour has called before would not be seen.
    """
    function = functions[row.tag]
    (pilot, more), rows = pilot_of(row, function, values, stream), {code_of(f): tag for tag, f in functions.items()}
    inner, wrappers = code_of(function), set(wrappers_of(function))
    for memory in memories:
        memory.cache_clear()
    with (Trace(set().union(*map(codes_in, values.values())) - set(rows), values.values(), inner) as trace,
          Guard(is_own)):
        value = call(function, pilot)
    for code, tag in rows.items():
        if tag != row.tag and code in trace.entered and code is not inner:
            raise Fault(f"enters its neighbour {{{tag}}}",
                        "compute each row as it is written; what two rows share belongs on the stage")
    if wrappers and inner not in trace.entered:
        raise Fault("is never called by its own decorator", "let the function under the tag compute the row")
    if is_random(function):
        draws = repetitions(value, pilot["eps"])
        require_alone(function, pilot, pilot["eps"][FEW], draws[FEW])
        require_alone(function, pilot, more, draws)
    else:
        as_array(value)
    passed_on = wrappers if trace.returned is not None and same(value, trace.returned) else frozenset()
    called = trace.called(values)
    taken = {f"{name}()" if name in called else name for name in symbols(function)[1] if name in values}
    return Trail(trace.modules(), taken, trace.sources(passed_on), value, label)


def require_alone(function, pilot, eps, draws):
    """A Fault where repetitions have other values in the company of eps than they had: draws (n, d) belong to its first
    n.
    """
    other = repetitions(call(function, {**pilot, "eps": eps}), eps)[: len(draws)]
    if not np.allclose(other, draws, rtol=1e-9, atol=1e-12 * np.max(np.abs(draws))):
        raise Fault(f"mixes its repetitions: among {len(eps)} of them they have other values than among {PILOT}",
                    "average over the draw axis only")


def perform(row, label, functions, values, stream, trail):
    """Run a row whose Trail is known; on the setting of the Trail it must return what it returned there."""
    function = functions[row.tag]
    pilot, first = pilot_of(row, function, values, stream)[0], trail.value
    if is_random(function):
        pilot, first = {**pilot, "eps": pilot["eps"][FEW]}, first[FEW]
    value = call(function, pilot)
    if label == trail.label and not same(first, value):
        raise Fault("gave two values for the same inputs", "take chance from eps, and keep nothing between calls")
    return played_by(Played(row, trail.modules, trail.taken, trail.sources, ()), function, values, value)


def played_by(played, function, values, value=None):
    """The Played of a function that stands under its tag; value is what it returns, for a random row on any draws."""
    if is_random(function):
        if value is not None:
            played = played._replace(shape=np.shape(value)[1:])

        def at(eps):
            return repetitions(call(function, {**values, "eps": eps, "S": eps.shape[1]}), eps, played.shape)

        return played._replace(at=at)
    if "S" in symbols(function)[1]:
        played = played._replace(with_draws=lambda S: valued(played, call(function, {**values, "S": S})))
    return valued(played, call(function, values) if value is None else value)


def valued(played, value):
    """A deterministic row with what it returned."""
    array, error, whole = as_array(value)
    return played._replace(shape=array.shape, value=array, error=error, whole=whole)


def repetitions(value, eps, expected=None):
    """What a random row returned for R repetitions, as (R, d); expected: the shape of one, where it is known."""
    shape = np.shape(value)
    if not shape or shape[0] != len(eps) or expected not in (None, shape[1:]):
        raise Fault(f"returns shape {shape} for {len(eps)} repetitions",
                    f"return one value per repetition, shape ({len(eps)}, ...): average over the draw axis only")
    try:
        return as_array(value)[0].reshape(len(eps), -1)
    except Fault as fault:
        bad = np.argwhere(~np.isfinite(value)) if np.asarray(value).dtype.kind == "f" else ()
        at = (f"; eps there is {np.array2string(np.asarray(eps[bad[0][0]]), precision=6, threshold=8)}" if len(bad)
              else "")
        raise Fault(fault.message + at, fault.remedy) from None


def same(first, second):
    """Whether two calls agree, but for the rounding of sums in another order."""
    if isinstance(first, Estimate) and isinstance(second, Estimate):
        return all(map(same, first, second))
    try:
        first, second = np.asarray(first, float), np.asarray(second, float)
    except (TypeError, ValueError, OverflowError):
        return first == second
    return first.shape == second.shape and np.allclose(
        first, second, rtol=1e-12, atol=1e-14 * np.max(np.abs(first), initial=0.0)
    )
