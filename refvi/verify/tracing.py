"""Which code a row really runs: traced, not guessed.

While one row runs, no other row of its chain may be entered; a referee enters no chapter of refvi; two rows that are compared
must not be one piece of code under two names.
"""
import functools
import gc
import sys
import threading
from types import CodeType

from refvi import CHAPTERS

LIBRARIES = {"numpy", "scipy", "autograd", "matplotlib", "refvi"} | set(sys.stdlib_module_names)


def code_of(function):
    """The code object behind a function, method, partial, decorator or callable object; None for what is not written in Python."""
    while True:
        inner = function.func if isinstance(function, functools.partial) else getattr(function, "__wrapped__", getattr(function, "__func__", None))
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
    """Every memory that functools keeps for code that is neither a library's nor refvi's: emptied, a row has to compute again."""
    return [item for item in gc.get_objects() if isinstance(item, functools._lru_cache_wrapper) and not is_library(item.__module__ or "")]


def is_library(module, filename=""):
    """Whether code is the standard library's, an installed package's, refvi's own, or generated, as a named tuple's constructor is."""
    return module.split(".")[0] in LIBRARIES or "-packages" in filename or filename == "<string>"


def codes_in(value):
    """Code objects of the functions in a stage's value: the value itself, the fields of a tuple such as a Family, the methods of the reader's own object."""
    if isinstance(value, dict):
        return codes_in(list(value.values()))
    fields = {code for field in value for code in codes_in(field)} if isinstance(value, (tuple, list)) else set()
    kinds = (value if isinstance(value, type) else type(value)).__mro__
    methods = {code_of(getattr(method, "fget", method)) for kind in kinds if not is_library(kind.__module__) for method in vars(kind).values()}
    code = code_of(value) if callable(value) and not isinstance(value, type) else None
    return (fields | methods | {code}) - {None}


def wording(code):
    """What a piece of code says, whatever its name and the names of its variables: equal for a row and its copy."""
    constants = tuple(wording(c) if isinstance(c, CodeType) else c for c in code.co_consts if not isinstance(c, (str, type(None))))
    return code.co_code, code.co_names, repr(constants)


class Trace:
    """The code objects entered while the trace is on, each with its module and whether the stage supplied it (or what called it)."""

    def __init__(self, supplied=frozenset()):
        self.supplied, self.entered = supplied, {}

    def __enter__(self):
        self.outer = sys.getprofile(), threading.getprofile() if hasattr(threading, "getprofile") else None
        threading.setprofile(self.note)
        sys.setprofile(self.note)
        return self

    def __exit__(self, *exception):
        sys.setprofile(self.outer[0])
        threading.setprofile(self.outer[1])

    def note(self, frame, event, argument):
        if event == "call":
            code = frame.f_code
            own = self.entered.get(code, (None, True))[1]
            if own:             # seen only below the stage's functions so far, or not at all
                self.entered[code] = frame.f_globals.get("__name__", ""), self.below_supplied(frame)

    def below_supplied(self, frame):
        while frame is not None:
            if frame.f_code in self.supplied:
                return True
            frame = frame.f_back
        return False

    def chapters(self):
        """Chapters of refvi whose functions were entered, by whatever way."""
        modules = (module.split(".") for module, _ in self.entered.values())
        return {names[2] for names in modules if names[0] == "refvi" and len(names) > 2 and names[2] in CHAPTERS}

    def own_code(self):
        """The reader's own code: neither a library's, nor refvi's, nor a function that the stage supplies to all rows.

        What the stage's functions call is theirs, unless the reader's own code names it: a helper handed to a supplied expectation.
        """
        codes = {code: supplied for code, (module, supplied) in self.entered.items() if not is_library(module, code.co_filename)}
        own = {code for code, supplied in codes.items() if not supplied}
        while True:
            named = {name for code in own for name in code.co_names + code.co_freevars}
            more = {code for code in codes if code not in own | self.supplied and code.co_name in named}
            if not more:
                return own
            own |= more
