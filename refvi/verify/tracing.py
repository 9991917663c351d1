"""Which code a row really runs: traced, not guessed.

While one row runs, no other row of its chain may be entered; a referee enters no chapter of refvi; two rows that are
compared must not be one piece of code under two names.
"""
import dis
import functools
import gc
import sys
import threading
from types import CodeType

import numpy as np

from refvi import CHAPTERS

SILENT = {"CACHE", "EXTENDED_ARG", "NOP", "PRECALL", "PUSH_NULL", "RESUME"}      # instructions that compute nothing,
SAME = {"CALL_METHOD": "CALL_FUNCTION", "LOAD_METHOD": "LOAD_ATTR"}              # and what does the same
LIBRARIES = {"numpy", "scipy", "autograd", "matplotlib", "refvi"} | set(sys.stdlib_module_names)


def code_of(function):
    """The code object behind a function, method, partial, decorator or callable object; None for what is not written in
    Python.
    """
    while True:
        inner = (function.func if isinstance(function, functools.partial)
                 else getattr(function, "__wrapped__", getattr(function, "__func__", None)))
        if inner is None:
            break
        function = inner
    if not hasattr(function, "__code__"):
        function = getattr(type(function), "__call__", None)
    return getattr(function, "__code__", None)


def wrappers_of(function):
    """The code objects of the decorators around a function."""
    while hasattr(function, "__wrapped__"):
        if hasattr(function, "__code__"):
            yield function.__code__
        function = function.__wrapped__


def caches():
    """Every memory that functools keeps for code that is neither a library's nor refvi's: emptied, a row has to compute
    again.
    """
    return [item for item in gc.get_objects()
            if type(item) is functools._lru_cache_wrapper and not is_library(item.__module__ or "")]


def is_library(module, filename="", name=""):
    """Whether code is the standard library's, an installed package's, refvi's own, or generated, as a named tuple's
    constructor and what reads the arguments of scipy.stats are (<module>: a reader's own exec is refused by the guard).
    """
    generated = filename == "<string>" and (
        module.startswith("namedtuple_") or name.startswith(("__", "_parse_args", "<module>"))
    )
    return module.split(".")[0] in LIBRARIES or "-packages" in filename or generated


def is_own(frame):
    """Whether a frame runs the reader's own code."""
    return not is_library(frame.f_globals.get("__name__", ""), frame.f_code.co_filename, frame.f_code.co_name)


def codes_in(value):
    """Code objects of the functions in a stage's value: the value itself, the fields of a tuple such as a Family, the
    methods of the reader's own object.
    """
    if isinstance(value, dict):
        return codes_in(list(value.values()))
    fields = {code for field in value for code in codes_in(field)} if isinstance(value, (tuple, list)) else set()
    kinds = (value if isinstance(value, type) else type(value)).__mro__
    methods = {code_of(getattr(method, "fget", method)) for kind in kinds if not is_library(kind.__module__)
               for method in vars(kind).values()}
    code = code_of(value) if callable(value) and not isinstance(value, type) else None
    return (fields | methods | {code}) - {None}


@functools.lru_cache(maxsize=None)
def wording(code):
    """What a piece of code says, whatever its name, the names of its variables and its texts: equal for a row and its
    copy, though a compiler that has seen a module imported calls its functions in other steps.
    """
    return tuple(said(step) for step in dis.get_instructions(code) if step.opname not in SILENT)


def said(step):
    """One instruction: what it does, and to which constant, global or position."""
    name, value = SAME.get(step.opname, step.opname), step.arg
    if isinstance(step.argval, CodeType):
        value = wording(step.argval)
    elif step.opcode in dis.hasconst:
        value = "" if isinstance(step.argval, str) else repr(step.argval)
    elif step.opcode in dis.hasname:
        value = step.argval
    elif step.opcode in dis.hasjrel or step.opcode in dis.hasjabs:
        value = None        # how far depends on the steps between
    return name, value


def nested_in(code):
    """The code objects written inside another."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from nested_in(constant)


def holds_numbers(value):
    """Whether a module's global is a number that was computed, or a container of such, or an empty one: a memory."""
    if isinstance(value, (float, complex)) or isinstance(value, np.ndarray) and value.dtype.kind in "fc":
        return True
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, (list, tuple, set)) and (len(value) == 0 or any(map(holds_numbers, value)))


class Trace:
    """The code objects entered while the trace is on, each with its globals and whether the stage supplied it (or what
    called it).

    supplied: codes of the functions on the stage; constants: the values on the stage; inner: the code inside a
    decorated row.
    """

    def __init__(self, supplied=frozenset(), constants=(), inner=None):
        self.supplied, self.entered, self.inner = supplied, {}, inner
        self.constants = {identity(value) for value in constants}
        self.asking, self.asked = set(), set()  # frames that a row asks for a number of the stage; codes that gave one
        self.returned = None  # what inner returned

    def __enter__(self):
        self.outer = sys.gettrace(), threading.gettrace()
        threading.settrace(self.note)
        sys.settrace(self.note)
        return self

    def __exit__(self, *exception):
        sys.settrace(self.outer[0])
        threading.settrace(self.outer[1])

    def note(self, frame, event, argument):
        """Called where code is entered; returns what waits for its value, or None where nobody asks for it."""
        code = frame.f_code
        known = self.entered.get(code)
        if known is None or known[1]:   # not seen, or so far only below the stage's functions
            self.entered[code] = frame.f_globals, is_own(frame) and self.below_supplied(frame)
        if code in self.supplied and code not in self.asked and self.is_constant(frame):
            self.asking.add(frame)
        if code is not self.inner and frame not in self.asking:
            return None
        frame.f_trace_lines = False
        return self.leave

    def leave(self, frame, event, argument):
        """Called for what happens in a frame that note chose; its return is of interest."""
        if event == "return":
            if frame.f_code is self.inner:
                self.returned = argument
            if frame in self.asking and isinstance(argument, (float, np.ndarray)):
                self.asked.add(frame.f_code)
            self.asking.discard(frame)
        return self.leave

    def below_supplied(self, frame):
        while frame is not None:
            if frame.f_code in self.supplied:
                return True
            frame = frame.f_back
        return False

    def is_constant(self, frame):
        """Whether a row calls the reader's function on the stage with the stage's values alone: the number it returns
        is one of them.
        """
        names = frame.f_code.co_varnames[: frame.f_code.co_argcount + frame.f_code.co_kwonlyargcount]
        return (is_own(frame) and all(identity(frame.f_locals[name]) in self.constants for name in names)
                and not self.below_supplied(frame.f_back))

    def modules(self):
        """Modules of refvi, but for the checker's own, whose functions were entered, by whatever way."""
        names = {names.get("__name__", "") for names, _ in self.entered.values()}
        return {name for name in names if name.startswith("refvi.") and not name.startswith("refvi.verify.")}

    def called(self, values):
        """Names under which the stage supplies functions that were entered."""
        return {name for name, value in values.items() if codes_in(value) & set(self.entered)}

    def own_code(self):
        """The reader's own code: neither a library's, nor refvi's, nor a function that the stage supplies to all rows.

        What the stage's functions call is theirs, unless the reader's own code names it: a helper handed to a supplied
        expectation.
        """
        codes = {code: supplied for code, (names, supplied) in self.entered.items()
                 if not is_library(names.get("__name__", ""), code.co_filename, code.co_name)}
        own = {code for code, supplied in codes.items() if not supplied}
        while True:
            named = {name for code in own for name in code.co_names + code.co_freevars}
            more = {code for code in codes if code not in own | self.supplied and code.co_name in named}
            if not more:
                return own
            own |= more

    def sources(self, wrappers=frozenset()):
        """{key: name} of what a row's value rests on and another's must not: code by its wording, a module's numbers,
        what the stage computed.
        """
        own = self.own_code() - wrappers
        inside = {code for outer in own for code in nested_in(outer)}
        helpers = {("code", *wording(code)): code.co_name for code in own - inside}
        numbers = {("number", names.get("__name__", ""), name): name for code in own
                   for names in [self.entered[code][0]] for name in code.co_names if holds_numbers(names.get(name))}
        return helpers | numbers | {("stage", *wording(code)): code.co_name for code in self.asked}


def chapters_of(modules):
    """The chapters that these modules of refvi belong to."""
    return {name.split(".")[2] for name in modules if name.count(".") > 1} & set(CHAPTERS)


def identity(value):
    """What makes two arguments one value of the stage, or None."""
    if isinstance(value, np.ndarray):
        return value.__array_interface__["data"][0], value.shape
    return value if isinstance(value, (int, float, str)) else id(value)
