"""Play one chain on one stage: run its rows, hold each against the one above it, and ask whether the chain proves
anything.
"""
import itertools
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from refvi.verify.compare import compare
from refvi.verify.document import Fault
from refvi.verify.fresh import PATIENCE, alone
from refvi.verify.perform import perform, watch
from refvi.verify.tracing import caches, code_of, wording
from refvi.verify.trial import ALPHA, FAIL, INCONCLUSIVE, PASS
from refvi.verify.verdict import BOUNDS, DIFFERENT, Result


BEYOND = 1e3                # times the largest number of its stage a declared scale may be


class Cast(NamedTuple):
    """The rows of one chain after they ran on one stage, before any is compared."""

    chain: Any
    label: str  # of the stage
    values: dict  # what the stage supplies
    done: list  # Played, the rows that ran
    broken: dict  # tag -> why a row did not
    segments: dict  # tag -> number of its segment: rows claimed equal share one, \\le, \\ge and \\ne begin the next


class Scene(NamedTuple):
    """One chain on one setting of one stage, ready to be played."""
    chain: Any
    label: str
    values: dict                # what the stage supplies
    functions: dict             # row tag -> function
    stream: Any                 # (tag, strike) -> a generator
    announce: Any = lambda tag: None    # called before a row runs


def play(scene, plot=None, **options):
    """A Result for each row of a chain on one stage, and one more for each reason to distrust the chain as a whole.

    plot(tag, draws, target) is shown the draws of random rows; options: of hold, for all of them.
    """
    memories = caches()
    trails = observe(scene, lambda tag: observe_row(scene, tag, memories))
    return judge(rehearse(scene, trails), scene.stream, scene.announce, plot, **options)


def observe_row(scene, tag, memories=(), seconds=PATIENCE):
    """The Trail of one row, in a process of its own."""
    row = next(row for row in scene.chain.rows if row.tag == tag)
    return alone(partial(watch, row, scene.label, scene.functions, scene.values, scene.stream, memories), seconds)


def observe(scene, ask, known={}, hung={}):
    """{tag: Trail, or the Fault} of every row: known, or asked for by ask(tag); hung: tag -> Fault of rows not to be
    run.
    """
    trails = dict(known)
    for row in scene.chain.rows:
        scene.announce(row.tag)
        try:
            if row.fault or row.tag in hung:
                raise row.fault or hung[row.tag]
            if row.tag not in known:
                trails[row.tag] = ask(row.tag)
        except Exception as fault:
            trails[row.tag] = fault
    return trails


def rehearse(scene, trails):
    """Run every row of the chain, one beside the other: a Cast."""
    cast = Cast(scene.chain, scene.label, scene.values, [], {}, segments_of(scene.chain))
    for row in scene.chain.rows:
        try:
            scene.announce(row.tag)
            if isinstance(trails[row.tag], Exception):
                raise trails[row.tag]
            played = perform(row, scene.label, scene.functions, scene.values, scene.stream, trails[row.tag])
            require_distinct(played, cast.done, scene.functions, cast.segments)
            cast.done.append(beating(played, scene.announce) if played.random else played)
        except Exception as fault:
            cast.broken[row.tag] = told(fault)
    return cast


def beating(played, announce):
    """A random row that announces itself before every call, so that a timeout is that of one call."""
    def at(eps):
        announce(played.row.tag)
        return played.at(eps)

    return played._replace(at=at)


def segments_of(chain):
    """{tag: number of its segment}; an inequality and a slip begin the next."""
    segments, number = {}, 0
    for row in chain.rows:
        number += row.relation in DIFFERENT
        segments[row.tag] = number
    return segments


def judge(cast, stream, announce=lambda tag: None, plot=None, **options):
    """Hold each row of a Cast against the one above it, and the chain against what makes it a proof."""
    results, failed = [], {}  # failed, and what follows from it: tag -> the last row above it that is right
    for row in cast.chain.rows:
        announce(row.tag)
        result = hold(cast, row, stream, plot=plot and partial(plot, row.tag), **options)
        above = result.against
        if above in failed and row.relation in ("=", r"\approx"):
            result = below_failed(cast, row, result, failed, stream, options)
        if above and (result.verdict == FAIL or result.against in failed):
            failed[row.tag] = failed.get(above, above)
        results.append(result)
    return pin(results, cast) + [
        Result(cast.chain.name, cast.label, "the chain", "", cast.chain.line, "traced", verdict=FAIL, message=message)
        for message in distrust(cast.done, cast.segments)
    ]


def below_failed(cast, row, result, failed, stream, options):
    """The result of a row below one that failed: it follows from that one, or it agrees with what stands above both."""
    lines = {other.tag: other.line for other in cast.chain.rows}
    wrong = result.against
    if result.verdict == PASS:
        return result._replace(notes=result.notes + (f"follows from line {lines[wrong]}, which failed",))
    above = failed[wrong]
    if cast.segments[above] != cast.segments[row.tag]:
        return result
    other = hold(cast, row, stream, above=above, **options)
    if other.verdict != PASS:
        return result
    return other._replace(
        notes=other.notes + (f"held against line {lines[above]}, since line {lines[wrong]} between them failed",)
    )


def pin(results, cast):
    """The results, of which each that begins a segment says which two rows pin it, or why none do."""
    begun = set()
    for number, result in enumerate(results):
        segment = cast.segments[result.row]
        if segment not in begun:
            begun.add(segment)
            pinned, unpinned = pins([p for p in cast.done if cast.segments[p.row.tag] == segment])
            both = [p for p in cast.done if p.row.tag in pinned]
            results[number] = result._replace(pinned=pinned, unpinned=unpinned, taken=taken_by_all(both))
    return results


def taken_by_all(rows):
    """What each of these rows took from the stage, and the modules of refvi that each entered."""
    return tuple(sorted(set.intersection(*({*p.taken, *p.modules} for p in rows)))) if rows else ()


def pins(equal):
    """(tags, reason): two deterministic rows that share no code, one of them a referee, or () and why there are no two.
    """
    exact = [p for p in equal if not p.random]
    pairs = [(a, b) for a, b in itertools.combinations(exact, 2) if a.own.keys().isdisjoint(b.own)]
    for a, b in pairs:
        if not a.chapters or not b.chapters:
            return (a.row.tag, b.row.tag), ""
    if len(exact) < 2:
        return ((), "nothing but the row itself says what it is worth" if exact
                else "no deterministic row says what it is worth")
    return (
        (),
        "each of its deterministic rows enters a chapter of refvi" if pairs else "its deterministic rows share code",
    )


def hold(cast, row, stream=None, use_rule=True, alpha=ALPHA, plot=None, only_rule=False, above=None):
    """The Result of one row of a Cast.

    alpha: the levels of its strikes; plot(draws, target) is shown its draws; only_rule: a rule decides; above: the tag
    of the row it is held against, if not the one that reads as such.
    """
    result = Result(cast.chain.name, cast.label, row.tag, row.relation, row.line)
    if row.tag in cast.broken:
        return result._replace(verdict=FAIL, how="not compared", message=cast.broken[row.tag])
    played = next(played for played in cast.done if played.row is row)
    if row is cast.chain.rows[0]:
        return result._replace(how="given", value=None if played.random else played.value.tolist())
    try:
        reference = next((p for p in cast.done if p.row.tag == above), None) or reference_of(played, cast)
        if reference is None:
            return result._replace(
                verdict=INCONCLUSIVE, how="not compared", message="the row it would be held against is broken"
            )
        result = result._replace(against=reference.row.tag, scale=scale_of(played, reference, cast))
        return compare(played, reference, result, cast.values, stream and partial(stream, row.tag), use_rule, alpha,
                       plot, only_rule)
    except Exception as fault:
        return result._replace(verdict=FAIL, how="not compared", message=told(fault))


def told(error):
    """A Fault in its own words; what a noise, a scale or another value of the stage raises, with its type."""
    return (str(error) if isinstance(error, Fault)
            else f"the stage's values raised {type(error).__name__}: {error}: check noise, S and scale")


def require_distinct(played, done, functions, segments):
    """A row has the shape of the rows above it, and is none of those it is claimed equal to under another name."""
    row, code = played.row, code_of(functions[played.row.tag])
    for other in done:
        theirs = code_of(functions[other.row.tag])
        equal = segments[row.tag] == segments[other.row.tag]
        if equal and code is not None and theirs is not None and (code is theirs or wording(code) == wording(theirs)):
            raise Fault(f"is the same code as {{{other.row.tag}}}",
                        "a row compared with itself proves nothing: write it as it stands on the page")
        if played.shape != other.shape:
            raise Fault(f"has shape {played.shape}, but {{{other.row.tag}}} has {other.shape}",
                        "return the same shape: here it would broadcast silently")


def reference_of(played, cast):
    """The row this one is held against: the one directly above it; for an estimate the last deterministic one of its
    segment.

    Of rows that are broken there is nothing to hold against: the last above them that ran and is claimed equal takes
    their place, or None.
    """
    row = played.row
    above = cast.chain.rows[: cast.chain.rows.index(row)]
    segment = cast.segments[above[-1].tag]  # its own, unless an inequality or a slip stands between them
    equal = [p for p in cast.done if p.row in above and cast.segments[p.row.tag] == segment]
    if row.relation == r"\approx" and equal:
        equal = [p for p in equal if not p.random]
        if not equal:
            raise Fault(r"\approx with no deterministic row above it",
                        r"an estimate needs the row whose value it estimates; join two random rows by = or a bound")
    return equal[-1] if equal else None


def scale_of(played, reference, cast):
    """Largest magnitude among the rows claimed equal to the reference, for a bound or to the row; a zero truth has the
    declared scale.
    """
    joined = {cast.segments[reference.row.tag]} | (
        {cast.segments[played.row.tag]} if played.row.relation in BOUNDS else set()
    )
    right = [p.value for p in cast.done if not p.random and cast.segments[p.row.tag] in joined]
    size = max((float(np.max(np.abs(value))) for value in right), default=0.0)
    if len(joined) == 1 and right and not np.any(right[0]) or size == 0.0:
        size = float(cast.values.get("scale", 0.0))
        drawn = (
            played.random and reference.random and played.row.relation == "="
        )  # draw by draw: the draws have a size of their own
        if not (0.0 < size < np.inf or drawn and size == 0.0):
            raise Fault("its truth is zero on this stage", "let the stage declare scale, the size of what cancels")
        if size > BEYOND * max(1.0, largest([value for name, value in cast.values.items() if name != "scale"])):
            raise Fault(
                f"the stage declares the scale {size:.2g}, far beyond all of its numbers: a gap would hide behind it",
                "declare the size of what cancels",
            )
    return size


def largest(value):
    """The largest magnitude among the numbers of a value."""
    if isinstance(value, (tuple, list)):
        return max(map(largest, value), default=0.)
    numbers = np.asarray(value) if isinstance(value, (int, float, np.ndarray)) else np.zeros(0)
    return float(np.max(np.abs(numbers), initial=0.)) if numbers.dtype.kind in "iuf" else 0.


def distrust(done, segments):
    """Why the chain proves nothing even if every row passes: no referee, or nothing but one piece of code."""
    ours = set().union(*(p.chapters for p in done))
    if ours and all(p.random or p.chapters for p in done):
        yield (f"no referee, every row enters refvi's {', '.join(sorted(ours))}: add a row that enters none of refvi's "
               "chapters (a closed form, an enumeration, scipy.stats, finite differences)")
    for segment in sorted(set(segments.values())):
        equal = [p for p in done if segments[p.row.tag] == segment]
        if len(equal) > 1 and not any(a.own.keys().isdisjoint(b.own) for a, b in itertools.combinations(equal, 2)):
            tags = ", ".join(f"{{{p.row.tag}}}" for p in equal)
            yield (f"no two of {tags} that do not share code: compute one another way; "
                   "what both need, the stage supplies")
