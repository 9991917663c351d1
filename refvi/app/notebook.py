"""refvi notebook: a chapter as a notebook, with its text, the source of its rows, and something to change."""
import inspect
import json
import re
from configparser import ConfigParser
from types import FunctionType

import numpy as np

from refvi import CHAPTERS
from refvi.app.bench import setting
from refvi.base import files
from refvi.verify.companion import load, set_stage, wire
from refvi.verify.document import read
from refvi.verify.perform import symbols

INSTALL = '''\
# In Colab this brings refvi; where it is installed, nothing happens.
import importlib.util
import subprocess
import sys

ADDRESS = {address!r}{why}
if importlib.util.find_spec("refvi") is None:
    assert ADDRESS, "put the address of refvi's repository into ADDRESS, two lines above"
    subprocess.run(["git", "clone", "--depth", "1", ADDRESS, "refvi_clone"], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "autograd"], check=True)
    sys.path.insert(0, "refvi_clone")
    sys.path_importer_cache.clear()'''
SETTING = '''\
import numpy as np

import refvi
from refvi.app.bench import Picture, among, changed, compare, setting

globals().update(setting({name!r}))     # what the page's companion and the modules of its rows define
rng = np.random.default_rng()'''
CHANGE = '''\
# Change a sign, forget a term, and run the cell again: the row is refused, and the report says where and by how much.
mine = changed({name!r}, r\'\'\'
{source}\'\'\')
refvi.verify(mine, stage={stage!r})'''


def run(options):
    out = files.require_folder(options.out or ".", "the notebook")
    for name in options.names:
        if name not in CHAPTERS:
            raise LookupError(f"no chapter {name!r}, expected one of {', '.join(CHAPTERS)}")
        path = out / f"{name}.ipynb"
        if path.exists():
            raise FileExistsError(f"{path} exists, and may hold your changes: name another folder with --out")
        files.write(path, json.dumps(notebook(name), ensure_ascii=False, indent=1) + "\n")
        print(path)
    return 0


def notebook(name):
    """The notebook of a chapter as a dict, nbformat 4.5."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    parts = [cell(kind, text, f"{name}-{at}") for at, (kind, text) in enumerate(cells(name))]
    return {"cells": parts, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def cell(kind, text, name):
    """One cell as a dict."""
    code = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "id": name, "metadata": {}, "source": text.splitlines(keepends=True)} | code


def cells(name):
    """(kind, text) of every cell: the page piece by piece, below each of its chains the rows and a setting of them."""
    page = files.page(name)
    companion, to_change, pictured = load(page), None, False
    names = setting(name, companion.names)
    supplied = {label: set_stage(label, stage, np.random.default_rng()) for label, stage in companion.stages.items()}
    yield "code", INSTALL.format(address=address(), why="" if address() else "     # not known yet: put it here")
    yield "code", SETTING.format(name=name)
    for text, chains in pieces(page):
        yield "markdown", markdown(text)
        picture = re.search(r"!\[[^\]]*\]\(\S*/(\w+)\.(?:svg|png|gif)\)", text)
        if picture and not pictured:
            pictured = True
            yield "code", f"picture, numbers = refvi.figure({picture.group(1)!r})\nPicture(picture)"
        for chain in chains:
            sources = [source(companion.names.get(row.function), names) for row in chain.rows]
            if any(sources):
                yield "code", "\n\n".join(filter(None, dict.fromkeys(sources))).rstrip()
            stage = stage_of(chain, companion, supplied)
            if stage:
                rows = "".join(f",\n        {row.tag!r}" for row in chain.rows)
                chance = "rng" if symbols(companion.stages[stage])[0] else ""
                yield "code", f"compare(globals(), {companion.stages[stage].__name__}({chance}), rng{rows})"
                own = [text for text in sources[1:] if text.startswith("def ")]
                to_change = to_change or (stage, own[0]) if own else to_change
    yield "markdown", "## Your turn\n\nThe checker plays the page on one of its stages, then with a row you may change."
    stage, row = to_change
    yield "code", f"refvi.verify({name!r}, stage={stage!r})"
    yield "code", CHANGE.format(name=name, source=row, stage=stage)


def address():
    """Where the repository is, as its setup.cfg says; "" where it does not."""
    told = ConfigParser()
    told.read(files.checkout() / "setup.cfg", encoding="utf-8")
    return told.get("metadata", "url", fallback="")


def pieces(page):
    """(text, chains) of a page: each text ends with chains and the sentences on their rows, the last with none."""
    lines, chains, start = files.text_of(page).splitlines(), list(read(page).chains), 0
    while chains:
        end = chains[0].line
        while lines[end - 1].strip() != "```":
            end += 1
        own = [chain for chain in chains if chain.line <= end]
        chains = chains[len(own):]
        while end < len(lines) and re.match(r"$|- |  ", lines[end]):
            end += 1
        yield "\n".join(lines[start:end]), own
        start = end
    yield "\n".join(lines[start:]), []


def markdown(text):
    """A page's Markdown as notebooks read it: other signs around formulas, no links into the repository."""
    text = re.sub(r"\$`([^`]+)`\$", r"$\1$", text)
    text = re.sub(r"```math\n(\\begin\{align.*?)```", r"\1", text, flags=re.S)
    text = re.sub(r"```math\n(.*?)```", r"$$\n\1$$", text, flags=re.S)
    text = re.sub(r"!\[([^\]]*)\]\(\S*/(\w+)\.\w+\)", r'`refvi.figure("\2")`: \1', text)
    return re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]+\)", r"\1", text).strip()


def source(function, names):
    """The source of a function that a module defines, "" for any other object.

    Where one of its words would mean something else in the notebook, which holds these names, it keeps to its module's.
    """
    if not isinstance(function, FunctionType) or "<" in function.__qualname__:
        return ""
    text, known = inspect.getsource(function), function.__globals__
    words = set(function.__code__.co_names) & known.keys() - {"np"}
    clash = sorted(word for word in words if known[word] is not names.get(word))
    clash += [word for word in function.__code__.co_names if hasattr(np, word) and not hasattr(names["np"], word)]
    name = function.__name__
    return f"@among({name})     # where it stands, {clash[0]} is another than here\n{text}" if clash else text


def stage_of(chain, companion, supplied):
    """The first stage that can play a chain, or None."""
    lacking = wire(chain, companion.names, supplied)[2]
    return next((label for label, missing in lacking.items() if not missing), None)
