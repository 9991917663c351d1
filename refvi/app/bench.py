"""What the cells of a notebook call: a page's names, its rows side by side, a picture, the page with a row changed."""
import io
import tempfile
from pathlib import Path
from types import FunctionType

import autograd.numpy as anp
import numpy as np

from refvi.base import files
from refvi.verify.companion import load
from refvi.verify.document import read
from refvi.verify.perform import symbols

R = 400         # repetitions of a random row


def setting(name, own=None):
    """What a chapter's companion defines and imports, and what the modules of its rows do: {name: value}.

    own: the names of the companion, where it has been loaded. np is autograd's where one of them needs that.
    """
    page = files.page(name)
    own = own or load(page).names
    tags = [row.function for chain in read(page).chains for row in chain.rows]
    spaces = [*(getattr(own.get(tag), "__globals__", {}) for tag in tags), own]
    found = {key: value for space in spaces for key, value in space.items() if not key.startswith("__")}
    return found | {"np": anp} if any(space.get("np") is anp for space in spaces) else found


def compare(names, values, rng, *tags):
    """Print the value of every row on one stage; of a random row the average, and its standard error.

    names: where rows are found that the stage does not supply; values: what the stage supplies.
    """
    for tag in tags:
        word = tag.replace(" ", "_")
        print(f"{tag:<32} {told(values.get(word, names.get(word)), values, rng)}")


def told(function, values, rng):
    """What a row returns, in digits."""
    asked = {name: values[name] for name in symbols(function)[1] if name in values}
    if "eps" not in symbols(function)[1]:
        return digits(getattr(function(**asked), "value", function(**asked)))
    each = np.asarray(function(eps=values["noise"].draw(rng, R, values["S"]), **asked))
    return f"{digits(each.mean(axis=0))} ± {digits(each.std(axis=0) / np.sqrt(R))}"


def digits(value):
    return np.array2string(np.asarray(value, float), precision=6, threshold=9, max_line_width=10_000)


def among(row):
    """A decorator for a function that takes the place of a row: it finds its names where the row does."""
    return lambda new: FunctionType(new.__code__, row.__globals__, new.__name__, new.__defaults__, new.__closure__)


class Picture:
    """A matplotlib Figure that a notebook shows."""

    def __init__(self, figure):
        self.figure = figure

    def _repr_png_(self):
        file = io.BytesIO()
        self.figure.savefig(file, format="png", dpi=110)
        return file.getvalue()


def changed(name, source):
    """The path of a copy of a chapter's page whose rows are those of this source where it defines them."""
    page, folder = files.page(name), Path(tempfile.mkdtemp(prefix="refvi-"))
    modules = {value.__module__ for value in load(page).names.values()
               if isinstance(value, FunctionType) and f"def {value.__name__}(" in source}
    known = [f"from {module} import *" for module in modules if module.startswith("refvi.")]
    places = [str(page.parent), str(page.parent.parent)]
    head = "\n".join(["import sys", f"sys.path[:0] = {places}", *known])
    files.write(folder / page.name, files.text_of(page))
    files.write(folder / f"{name}.py", f"{head}\n{files.text_of(page.with_suffix('.py'))}\n\n{source}\n")
    return folder / page.name
