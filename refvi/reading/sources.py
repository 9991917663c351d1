"""The source behind a row: its function with line numbers, highlighted."""
import inspect
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from refvi.base import files
from refvi.verify.companion import load
from refvi.verify.tracing import code_of


class Source(NamedTuple):
    place: str                  # path:line from the checkout
    html: str


@cache
def names_of(page):
    """What a page's companion defines and imports."""
    return load(page).names


def source_of(page, tag):
    """The Source of a row's function, or None where only a stage supplies it."""
    code = code_of(names_of(page).get(tag.replace(" ", "_")))
    if code is None or not Path(code.co_filename).is_file():
        return None
    lines, start = inspect.getsourcelines(code)
    formatter = HtmlFormatter(linenos="inline", linenostart=start, nowrap=False, cssclass="source")
    path = Path(code.co_filename)
    home = files.checkout()
    shown = path.relative_to(home).as_posix() if path.is_relative_to(home) else path.name
    return Source(f"{shown}:{start}", highlight("".join(lines), PythonLexer(), formatter))
