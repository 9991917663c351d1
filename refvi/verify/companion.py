"""A page's companion: the Python file beside it, whose names are the rows and whose functions stage, stage_* set the
stage.
"""
import difflib
import functools
import importlib.util
import sys
import traceback
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from refvi.base import files
from refvi.verify.document import Chain, Fault
from refvi.verify.fresh import threads
from refvi.verify.perform import remedy_for, symbols, where
from refvi.verify.tracing import Trace


class Companion(NamedTuple):
    path: Path
    names: dict                 # everything the file defines or imports
    stages: dict                # label -> function
    ran: frozenset              # its code that ran while it was loaded


def load(page):
    """The companion of a page, loaded by its path, so that it may lie anywhere."""
    path = Path(page).with_suffix(".py")
    if not path.exists():
        raise Fault(f"no companion {path.name} beside {Path(page).name}",
                    "write one that imports or defines a function for each tag, and a stage")
    spec = importlib.util.spec_from_file_location(f"companion_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    for folder in (path.parent, path.parent.parent):  # what lies beside it, and what the pages of several folders share
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    before = threads()
    try:
        with Trace() as trace:
            spec.loader.exec_module(module)
    except Exception as error:
        raise Fault(f"{path.name} raised {type(error).__name__}: {error}{line_in(error, path)}",
                    f"mend it until `python {path.name}` runs") from None
    if threads() - before:
        raise Fault(f"{path.name} starts threads as it is loaded",
                    "a thread outlives the row that uses it: let rows compute by themselves")
    names = vars(module)
    stages = stages_of(names)
    if not stages:
        raise Fault(
            f"{path.name} has no stage", "define stage(rng) or stage_<name>(rng), returning a dict of the rows' symbols"
        )
    return Companion(path, names, stages, frozenset(code for code in trace.entered if code.co_filename == str(path)))


def stages_of(names):
    """{label: function} of what a companion calls stage or stage_<label>."""
    return {(name.removeprefix("stage_") if name != "stage" else "stage"): value for name, value in names.items()
            if (name == "stage" or name.startswith("stage_")) and callable(value)}


def stages(chapter, *labels):
    """{name: function} of the stages of one of refvi's chapters, those with these labels or all, for a page of one's
    own: `globals().update(stages("score_function"))` in its companion plays its rows where the chapter's rows play.

    A stage that lacks a symbol of the page's rows is left out there. LookupError for a label that is none.
    """
    found = stages_of(load(files.page(chapter)).names)
    for label in labels:
        parts_of(label, found)
    return {f"stage_{label}": lent(found[label]) for label in labels or found}


def lent(stage):
    """A stage of refvi's, marked: another page need not play it."""

    @functools.wraps(stage)
    def set_it(*arguments):
        return stage(*arguments)

    set_it.lent = True
    return set_it


def is_lent(stage):
    return getattr(stage, "lent", False)


def line_in(error, path):
    """ (file:line) of the last frame in the companion itself."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f" ({path.name}:{frames[-1].lineno})" if frames else ""


def set_stage(label, function, rng, rows=frozenset()):
    """The dict of symbols a stage supplies, or a Fault; rows are the codes of the page's rows, which a stage must not
    run for them.
    """
    try:
        with Trace() if rows else nullcontext() as trace:
            values = function(rng) if symbols(function)[0] else function()
    except Fault:
        raise
    except Exception as error:
        raise Fault(
            f"stage {label} raised {type(error).__name__}: {error}{where(error, function)}", remedy_for(error)
        ) from None
    if not isinstance(values, dict):
        raise Fault(f"stage {label} returns {type(values).__name__}", "return a dict from symbol to value")
    run = sorted(code.co_name for code in rows & set(trace.entered)) if rows else ()
    if run:
        raise Fault(
            f"stage {label} runs the row {run[0]}", "let rows compute what they claim; a truth comes from elsewhere"
        )
    return values


def label_of(stage, setting):
    """How a report names one setting of a stage."""
    return stage if setting == 0 else f"{stage}-{setting}"


def parts_of(label, stages):
    """(stage, setting) of a label among these stages, or a LookupError."""
    stage, _, setting = label.rpartition("-")
    if label in stages:
        return label, 0
    if stage in stages and setting.isdigit():
        return stage, int(setting)
    near = difflib.get_close_matches(stage or label, stages, 1)
    meant = f"did you mean {near[0]}? " if near else ""
    raise LookupError(f"no stage {label!r}: {meant}expected one of {', '.join(stages)}, as a report names them")


def wire(chain, names, supplied):
    """(chain, functions, lacking): find the function of every row and the stages that can play the chain.

    supplied: stage label -> its dict. Rows that no stage can play come back with a fault; functions: label -> {tag:
    function}; lacking: label -> the symbols for which that stage cannot play the rest.
    """
    lacks = {label: {row.tag: missing(row, names, values) for row in chain.rows if row.fault is None}
             for label, values in supplied.items()}
    rows = []
    for row in chain.rows:
        if row.fault is None:
            absent = [lack[row.tag] for lack in lacks.values()]
            broken = next((a for a in absent if isinstance(a, Fault)), None)
            nowhere = sorted(set.intersection(*map(set, absent))) if absent and not broken else []
            if broken:
                row = row._replace(fault=broken)
            elif row.function in nowhere:
                row = row._replace(
                    fault=Fault(f"no function {row.function}",
                                "define it in the companion, import it there, or let the stage supply it")
                )
            elif nowhere:
                row = row._replace(
                    fault=Fault(f"no stage supplies {', '.join(nowhere)}",
                                "add it to the dict a stage returns, or take it out of the row's arguments")
                )
        rows.append(row)
    chain = Chain(chain.name, chain.line, tuple(rows))
    good = [row for row in rows if row.fault is None]
    functions = {label: {row.tag: values.get(row.function, names.get(row.function)) for row in good}
                 for label, values in supplied.items()}
    lacking = {label: sorted({symbol for row in good for symbol in lacks[label][row.tag]}) for label in supplied}
    return chain, functions, lacking


def missing(row, names, values):
    """Symbols one row lacks on one stage, its own function among them; a Fault where its function cannot be called by
    name.
    """
    function = values.get(row.function, names.get(row.function))
    if function is None:
        return [row.function]
    if not callable(function):
        return Fault(f"{row.function} is a {type(function).__name__}, not a function",
                     "a tag names the function that computes its row")
    try:
        return [symbol for symbol in symbols(function)[0] if symbol not in values]
    except Fault as fault:
        return fault
