"""Change one operator, operand, constant or name in a row's own code, or in a helper of its module, and see the row
refused.

Not changed: what raises errors, what a docstring or a message says, and a quadrature's or an optimizer's tolerance, or
where it begins to look.
"""
import ast
import contextlib
import copy
import csv
import dis
import functools
import inspect
import signal
from collections import Counter
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

try:
    import resource
except ImportError:         # not on every system
    resource = None

import autograd.numpy as np

from refvi.verify.mutants import STRIKES
from refvi.verify.perform import played_by
from refvi.verify.play import hold
from refvi.verify.trial import FAIL, PASS
from refvi.verify.verdict import Result

EVERY = -1                  # of the mutants of a row
ROOM = 2**33                # bytes a worker may take while it plants: a mutant may ask for all there are
PATIENCE = 5.               # of the processor's seconds, after which a mutant counts as raised: its loop may not end
REFUSED, RAISED, EXPLAINED = "refused", "raised", "explained"     # what becomes of a mutant; "" if it lives
OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
             ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}
NAMES = {"mean": "sum", "sum": "mean", "max": "min", "min": "max", "maximum": "minimum", "minimum": "maximum",
         "sin": "cos", "cos": "sin", "argmax": "argmin", "argmin": "argmax", "log": "log1p", "exp": "expm1",
         "cumsum": "cumprod", "prod": "sum", "var": "std", "std": "var", "digamma": "gammaln", "gammaln": "digamma"}
TOLERANCES = {"epsabs", "epsrel", "rtol", "atol", "xtol", "ftol", "gtol", "tol", "limit", "maxiter", "maxfev", "order",
              "tolerance", "edges"}


class Mutant(NamedTuple):
    """One change in the code of a row, or of a helper of its module."""
    function: Any               # in which it is made
    place: str                  # file:line
    change: str                 # "a + b -> a - b"
    node: Any                   # the function's new definition


class Use(NamedTuple):
    """One place where a row's own function plays."""
    cast: Any
    results: list               # of the cast
    row: Any
    function: Any               # under the row's tag: its own, or one with arguments bound
    stream: Any


def own_function(row):
    """The Python function inside partials and decorators, None where there is none whose source can be read."""
    while True:
        inner = row.func if isinstance(row, functools.partial) else getattr(row, "__wrapped__", None)
        if inner is None:
            return row if isinstance(row, FunctionType) and row.__name__ != "<lambda>" else None
        row = inner


@functools.lru_cache(maxsize=None)
def definitions(path):
    """{(name, first line): the definition} of every function in a file."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return {(node.name, min([node.lineno, *(d.lineno for d in node.decorator_list)])): node
            for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def definition(function):
    path = inspect.getsourcefile(function)
    return (definitions(path).get((function.__name__, function.__code__.co_firstlineno))
            if path and Path(path).is_file() else None)


def helpers(function):
    """The plain functions of its module that a function calls, and that these call."""
    found, waiting = [function], [function]
    while waiting:
        one = waiting.pop()
        for name in names_in(one.__code__):
            other = one.__globals__.get(name)
            if (isinstance(other, FunctionType) and other.__globals__ is function.__globals__ and other not in found
                and not hasattr(other, "__wrapped__")):
                found.append(other)
                waiting.append(other)
    return found


def names_in(code):
    """The globals that a piece of code and what is nested in it load."""
    yield from (step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL")
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def mutants(function):
    """All mutants of one function."""
    node = definition(function)
    for number, (old, _) in enumerate(changes(node) if node else ()):
        changed = copy.deepcopy(node)
        place, new = list(changes(changed))[number]
        told = f"{ast.unparse(old)} -> {ast.unparse(new)}"
        put(changed, place, new)
        yield Mutant(function, f"{inspect.getsourcefile(function)}:{old.lineno}", told, changed)


def changes(node):
    """(old, new) expressions of one function, in the order of the walk."""
    parameters = [a.arg for a in node.args.posonlyargs + node.args.args + node.args.kwonlyargs]
    for old in walk(node):
        if isinstance(old, ast.BinOp):
            if type(old.op) in OPERATORS:
                yield old, ast.copy_location(ast.BinOp(old.left, OPERATORS[type(old.op)](), old.right), old)
            if isinstance(old.op, ast.MatMult):
                yield old, ast.copy_location(ast.Call(ast.Name("turned", ast.Load()), [old.left, old.right], []), old)
            if isinstance(old.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)) and not isinstance(old.right, ast.Constant):
                yield old, old.left
        elif (
            isinstance(old, ast.UnaryOp) and isinstance(old.op, ast.USub) and not isinstance(old.operand, ast.Constant)
        ):
            yield old, old.operand
        elif isinstance(old, ast.Compare) and type(old.ops[0]) in OPERATORS:
            yield (old, ast.copy_location(
                            ast.Compare(old.left, [OPERATORS[type(old.ops[0])](), *old.ops[1:]], old.comparators), old
                        ))
        elif isinstance(old, ast.Constant) and type(old.value) in (int, float):
            yield (old, ast.copy_location(
                            ast.Constant(old.value + 1 if type(old.value) is int else 1.1 * old.value or 0.1), old
                        ))
        elif isinstance(old, ast.Attribute) and old.attr in NAMES:
            yield old, ast.copy_location(ast.Attribute(old.value, NAMES[old.attr], old.ctx), old)
        elif isinstance(old, ast.Name) and old.id in NAMES and isinstance(old.ctx, ast.Load):
            yield old, ast.copy_location(ast.Name(NAMES[old.id], old.ctx), old)
        elif (
            isinstance(old, ast.Name) and old.id in parameters and isinstance(old.ctx, ast.Load) and len(parameters) > 1
        ):
            yield old, ast.copy_location(ast.Name(parameters[parameters.index(old.id) - 1], old.ctx), old)


def turned(a, b):
    """a @ b with the last axis of a turned by one place against b."""
    return np.roll(a, 1, axis=-1) @ b


def walk(node):
    """The expressions of a function that say what it computes."""
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if (not isinstance(child, ast.AST)
                or name in ("decorator_list", "args", "defaults", "returns", "annotation")
                and isinstance(node, ast.FunctionDef)):
                continue
            if (isinstance(child, (ast.Raise, ast.Assert, ast.JoinedStr)) or isinstance(child, ast.keyword)
                and child.arg in TOLERANCES):
                continue
            if isinstance(child, ast.If) and all(isinstance(line, ast.Raise) for line in child.body):
                continue
            if isinstance(child, ast.Call) and ast.unparse(child.func).split(".")[-1].startswith("require_"):
                continue
            yield child
            yield from walk(child)


def put(tree, old, new):
    """Put one node of a tree in the place of another."""
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if value is old:
                setattr(node, name, new)
                return
            if isinstance(value, list):
                for i, child in enumerate(value):
                    if child is old:
                        value[i] = new
                        return


def rebuild(row, family, mutant):
    """The row, with the mutant in the place of one of the functions it is made of; what else the module calls is left
    as it is.
    """
    changed, node = mutant.function, copy.deepcopy(mutant.node)
    names = dict(changed.__globals__, turned=turned)
    code = compiled(node, changed)
    made = {one: FunctionType(code if one is changed else one.__code__, names, one.__name__, one.__defaults__,
                              closure_of(code, changed) if one is changed else one.__closure__) for one in family}
    for one, new in made.items():
        new.__kwdefaults__ = one.__kwdefaults__
        if names.get(one.__name__) is one:
            names[one.__name__] = new
    inside = made[family[0]]
    return functools.partial(inside, *row.args, **row.keywords) if isinstance(row, functools.partial) else inside


def compiled(node, function):
    """The code of a new definition that may use the variables around the old one."""
    node.decorator_list = []
    around = ast.parse(f"def around({', '.join(function.__code__.co_freevars)}): pass")
    around.body[0].body = [node]
    module = compile(ast.fix_missing_locations(around), inspect.getsourcefile(function), "exec")
    outer = next(c for c in module.co_consts if isinstance(c, CodeType))
    return next(c for c in outer.co_consts if isinstance(c, CodeType) and c.co_name == node.name)


def closure_of(code, function):
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
    return tuple(cells[name] for name in code.co_freevars)


class TooLong(Exception):
    """A mutant did not end."""


def judged(use, row):
    """How a chain refuses the row in the place of the one that plays there: REFUSED, RAISED where it returned nothing
    that could be compared, "" where it passes.
    """

    def ring(*_):
        raise TooLong

    cast, tag = use.cast, use.row.tag
    played = next(p for p in cast.done if p.row.tag == tag)
    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        other = played_by(played, row, cast.values)
        if other.shape != played.shape:
            return REFUSED
        altered = cast._replace(done=[other if p is played else p for p in cast.done])
        for held in cast.chain.rows:
            if tag in concerned(use.results, held.tag):
                result = hold(altered, held, use.stream, True, STRIKES, only_rule=True)
                if result.verdict != PASS:
                    return RAISED if result.how == "not compared" else REFUSED
        return ""
    except Exception:
        return RAISED
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def concerned(results, tag):
    """The rows that a comparison which passes is about."""
    return {name for result in results if result.row == tag and result.against and result.verdict == PASS
            for name in (result.row, result.against)}


def uses_of(scenes):
    """{a row's own function: where it plays}, of [(cast, results, functions, stream)] of all chains and stages."""
    uses = {}
    for cast, results, functions, stream in scenes:
        for played in cast.done:
            function = functions[played.row.tag]
            if own_function(function):
                uses.setdefault(own_function(function), []).append(Use(cast, results, played.row, function, stream))
    return uses


def plant_in_source(uses, most, rng, announce, reasons):
    """Yield, for each row, the function that plants its mutants: () -> results, the last of which counts.

    uses: {a row's own function: where it plays}; most: mutants of a row; reasons: {(function, change): why a change
    alters nothing}. A helper's mutants are planted with the first row that is made of it, and refused by any.
    """
    bound_memory()
    families = {inner: helpers(inner) for inner in uses}
    known = set()
    for inner, family in families.items():
        every = [mutant for one in family if one not in known for mutant in mutants(one)]
        known.update(family)
        chosen = every
        if most != EVERY and len(every) > most:
            chosen = [every[i] for i in sorted(rng.choice(len(every), most, replace=False))]
        yield functools.partial(plant, uses, families, inner, chosen, announce, reasons)


def bound_memory():
    """Let this process have no more than ROOM, where the system knows such a bound."""
    with contextlib.suppress(ValueError, OSError):
        if resource:
            resource.setrlimit(resource.RLIMIT_AS, (ROOM, resource.getrlimit(resource.RLIMIT_AS)[1]))


def plant(uses, families, inner, chosen, announce, reasons):
    """A result for each mutant that no chain refuses and no reason explains, and one that counts."""
    first, alive, told = uses[inner][0], [], Counter()
    of_row = Result(first.cast.chain.name, "", first.row.tag, first.row.relation, first.row.line)
    for mutant in chosen:
        announce(first.row)
        how = refusal(mutant, uses, families)
        if not how and (mutant.function.__name__, mutant.change) in reasons:
            how = EXPLAINED
        told[how] += 1
        if not how:
            message = f"{mutant.place}: {mutant.function.__name__}: {mutant.change}: still PASS"
            alive.append(of_row._replace(how="source mutant", verdict=FAIL, message=message))
    planted = len(chosen), told[REFUSED], told[RAISED], told[EXPLAINED]
    how = f"{planted[0]} in source, {planted[1]} refused, {planted[2]} raised"
    return alive + [Result(of_row.chain, "", f"mutants of {first.row.tag}", "", first.row.line, how, planted=planted)]


def refusal(mutant, uses, families):
    """How the first chain that refuses a row with the mutant in it does: see judged."""
    found = (judged(use, rebuild(use.function, family, mutant)) for made, family in families.items()
             if mutant.function in family for use in uses[made])
    return next(filter(None, found), "")


def reasons_of(page):
    """{(function, change): reason} of a page, from survivors.tsv beside it or one folder up."""
    for folder in (page.parent, page.parent.parent):
        path = folder / "survivors.tsv"
        if path.is_file():
            with open(path, encoding="utf-8", newline="") as lines:
                return {(line["function"], line["change"]): line["reason"]
                        for line in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
                        if line["chapter"] == page.stem}
    return {}
