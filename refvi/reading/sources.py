"""The source behind a row: its function, highlighted, and what that function calls."""
import inspect
import re
from functools import cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from refvi.base import files
from refvi.verify.companion import load
from refvi.verify.tracing import code_of

MARKED = "k|kn|kc|ow|c1|sd|s1|s2|sa|linenos"        # kinds of words that style.css has a look for
NUMBERED = r'<a id="([^"]*)" name="[^"]*"></a><a href="[^"]*"><span class="linenos">([^<]*)</span></a>'


class Place(NamedTuple):
    """Where a function stands."""
    path: str                   # from the checkout
    line: int


@cache
def names_of(page):
    """What a page's companion defines and imports."""
    return load(page).names


def function_of(page, tag):
    """The function of a row, or None where only a stage supplies it."""
    function = names_of(page).get(tag.replace(" ", "_"))
    return function if place_of(function) else None


def place_of(function):
    """The Place of a function of the checkout; None for any other object."""
    code = code_of(function) if callable(function) else None
    home = files.checkout()
    if code is None or not Path(code.co_filename).is_relative_to(home):
        return None
    return Place(Path(code.co_filename).relative_to(home).as_posix(), code.co_firstlineno)


def source(function):
    """The HTML of a function's source, with line numbers."""
    lines, start = inspect.getsourcelines(code_of(function))
    return coloured("".join(lines), linenos="inline", linenostart=start)


def coloured(text, **options):
    """The HTML of Python code; words that style.css leaves as they are carry no mark, and a line one anchor."""
    text = highlight(text, PythonLexer(), HtmlFormatter(cssclass="source", **options))
    text = re.sub(NUMBERED, r'<a id="\1" href="#\1" class="linenos">\2</a>', text)
    return re.sub(rf'<span class="(?!(?:{MARKED})")[^"]*">([^<]*)</span>', r"\1", text)


def called(function):
    """[(name, function)] of the checkout's functions that a function names, in the order in which it names them."""
    code, known = code_of(function), getattr(inspect.unwrap(function), "__globals__", {})
    names = dict.fromkeys(names_in(code))
    spaces = [known, *(vars(known[name]) for name in names if isinstance(known.get(name), ModuleType))]
    found = {name: next((space[name] for space in spaces if name in space), None) for name in names}
    return [(name, value) for name, value in found.items() if place_of(value) and code_of(value) is not code]


def names_in(code):
    """The names that a piece of code reads, and those of the functions written inside it."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from names_in(inner)


@cache
def reached(code, function):
    """The Places of all that a function calls, directly or not."""
    return frozenset(place_of(value) for value in reach(function, {code: function}))


def reach(function, seen):
    """The functions below one; seen holds those that have been met."""
    for _, value in called(function):
        if code_of(value) not in seen:
            seen[code_of(value)] = value
            reach(value, seen)
    return list(seen.values())[1:]
