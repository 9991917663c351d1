"""Play one chain on one stage: run its rows, hold each against the one before it, and ask whether the chain proves anything."""
import hashlib

import numpy as np

from refvi.verify.compare import BOUNDS, Result, compare
from refvi.verify.document import Fault
from refvi.verify.perform import freeze, perform
from refvi.verify.tracing import caches, code_of, wording
from refvi.verify.trial import FAIL, INCONCLUSIVE


def stream_of(entropy, *words):
    """The generator of one strike of one row: the same wherever and in whichever order it is asked for."""
    text = "\0".join([f"{entropy:032x}", *map(str, words)])
    return np.random.Generator(np.random.SFC64(int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")))


def play(chain, label, values, functions, stream, *, announce=lambda tag: None, hung={}, alter={}, use_rule=True, plot=None):
    """A Result for each row of a chain on one stage, and one more for each reason to distrust the chain as a whole.

    values: what the stage supplies; functions: row tag -> function; stream(tag, strike): a generator; announce(tag) is called before a
    row runs; hung: row tag -> Fault of rows not to be run; alter: row tag -> a change to what it returns (a planted mutant);
    plot(tag, draws, target) is shown the draws of random rows.
    """
    values = {name: freeze(value) for name, value in values.items()}
    done, results, segment, memories = [], {}, 0, caches()
    segments, headless = {}, set()      # rows claimed equal share a segment, which an inequality ends; headless: its first row is broken
    for row in chain.rows:
        starts = not segments or row.relation in BOUNDS
        segment += row.relation in BOUNDS
        segments[row.tag] = segment
        results[row.tag] = Result(chain.name, label, row.tag, row.relation, row.line)
        try:
            announce(row.tag)
            if row.fault or row.tag in hung:
                raise row.fault or hung[row.tag]
            played = perform(row, functions, values, stream, alter.get(row.tag, lambda value: value), memories)
            require_distinct(played, done, functions)
            done.append(played)
        except Exception as fault:
            results[row.tag] = results[row.tag]._replace(verdict=FAIL, how="not compared", message=told(fault))
            headless |= {segment} if starts else set()
    for i, played in enumerate(done):
        tag, result = played.row.tag, results[played.row.tag]
        try:
            announce(tag)
            reference = reference_of(played, done[:i], segments)
            if reference is None and segments[tag] in headless:
                result = result._replace(verdict=INCONCLUSIVE, how="not compared", message="the row it would be held against is broken")
            elif reference is None:
                result = result._replace(how="given", value=None if played.random else played.value.tolist())
            else:
                result = result._replace(against=reference.row.tag, scale=scale_of(played, reference, done, segments, values))
                result = compare(played, reference, result, values, lambda strike: stream(tag, strike), use_rule,
                                 plot and (lambda draws, target: plot(tag, draws, target)))
        except Exception as fault:
            result = result._replace(verdict=FAIL, how="not compared", message=told(fault))
        results[tag] = result
    return list(results.values()) + [Result(chain.name, label, "the chain", "", chain.line, "traced", verdict=FAIL, message=message)
                                     for message in distrust(done, segments)]


def told(error):
    """A Fault in its own words; what a noise, a scale or another value of the stage raises, with its type."""
    return str(error) if isinstance(error, Fault) else f"the stage's values raised {type(error).__name__}: {error}: check eps, S and scale"


def require_distinct(played, done, functions):
    """A row has the shape of the rows above it, and is not one of them under another name."""
    code = code_of(functions[played.row.tag])
    for other in done:
        theirs = code_of(functions[other.row.tag])
        if code is not None and theirs is not None and (code is theirs or wording(code) == wording(theirs)):
            raise Fault(f"is the same code as {{{other.row.tag}}}", "a row compared with itself proves nothing: write it as it stands on the page")
        if played.shape != other.shape:
            raise Fault(f"has shape {played.shape}, but {{{other.row.tag}}} has {other.shape}", "return the same shape: here it would broadcast silently")


def reference_of(played, before, segments):
    """The row this one is held against, None for the first: the last not marked as wrong; for an estimate the last deterministic one."""
    row = played.row
    right = [p for p in before if p.row.relation != r"\ne"]
    if row.relation not in BOUNDS:
        right = [p for p in right if segments[p.row.tag] == segments[row.tag]]
    if row.relation == r"\approx" and right:
        right = [p for p in right if not p.random]
        if not right:
            raise Fault(r"\approx with no deterministic row above it", r"an estimate needs the row whose value it estimates; join two random rows by = or a bound")
    return right[-1] if right else None


def scale_of(played, reference, done, segments, values):
    """Largest magnitude among the rows claimed equal; where the first of them is identically zero, the scale the stage declares."""
    joined = {segments[played.row.tag], segments[reference.row.tag]}
    right = [p.value for p in done if not p.random and p.row.relation != r"\ne" and segments[p.row.tag] in joined]
    size = max((float(np.max(np.abs(value))) for value in right), default=0.)
    if len(joined) == 1 and right and not np.any(right[0]) or size == 0.:
        size = float(values.get("scale", 0.))
        if not 0. < size < np.inf:
            raise Fault("its truth is zero on this stage", "let the stage declare scale, the size of what cancels")
    return size


def distrust(done, segments):
    """Why the chain proves nothing even if every row passes: no referee, or nothing but one piece of code."""
    right = [p for p in done if p.row.relation != r"\ne"]
    ours = [p for p in done if p.chapters]
    referees = [p for p in right if not p.random and not p.chapters]
    advice = "add a row that enters none of refvi's chapters (a closed form, an enumeration, scipy.stats, finite differences)"

    def names(rows):
        return ", ".join(f"{{{p.row.tag}}}" for p in rows)

    if ours and not referees:
        yield f"no referee, every row enters refvi's {', '.join(sorted(set().union(*(p.chapters for p in ours))))}: {advice}"
    elif ours:
        for segment in sorted({segments[p.row.tag] for p in ours}):
            equal = [p for p in right if segments[p.row.tag] == segment]
            if len(equal) > 1 and not any(p in referees for p in equal):
                yield f"no referee among the rows claimed equal {names(equal)}: {advice}"
    for segment in sorted(set(segments.values())):
        equal = [p for p in right if segments[p.row.tag] == segment]
        if len(equal) > 1 and not any(p.chapters for p in equal) and not any(a.own.isdisjoint(b.own) for i, a in enumerate(equal) for b in equal[:i]):
            yield f"no two of {names(equal)} that do not share code: compute one another way; what both need, the stage supplies"
