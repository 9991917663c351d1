"""Stages that prove little: play rows on many settings of their stage, and see whether the stage hides a mistake."""
import time

import numpy as np

from refvi.verify.document import Fault
from refvi.verify.perform import call, draw, played_by, require_noise, symbols
from refvi.verify.play import Cast, hold
from refvi.verify.trial import FAIL, PASS
from refvi.verify.verdict import EXACT, Result

MOST = 500                  # settings of one chain on one stage
ALIKE = 8                   # settings that have to be alike before a stage is called fixed
ROUGH = 1e-6                # of the scale: a gap that may be a quadrature's
WORTH = 0.2                 # seconds: for less no random row is played once more
NUDGE = 1e-3                # by which an entry of a symmetric matrix is moved


def play_settings(cast, results, functions, scene_of, seconds, only_stage):
    """(results, more, notes): those of the first setting, what fails on a further one, and what the stage hides.

    cast, results, functions: of the first setting, already played; scene_of(setting): the Scene of another. At most
    MOST settings are played, within the seconds, of which random rows get what is left, half at least.
    """
    drawn = [result.row for result in results
             if result.verdict == PASS and result.against and {result.row, result.against} & randoms(cast)]
    if not drawn or seconds < WORTH:
        return play_deterministic(cast, results, functions, scene_of, seconds, only_stage)
    begun = time.process_time()
    results, more, notes = play_deterministic(cast, results, functions, scene_of, seconds / 2, only_stage)
    return results, more or play_random(cast, drawn, scene_of, seconds - time.process_time() + begun), notes


def play_random(cast, held, scene_of, seconds):
    """What fails of the random rows on a further setting: a rule decides where there is one."""
    begun, setting = time.process_time(), 1
    while setting <= MOST and time.process_time() - begun < seconds:
        try:
            scene = scene_of(setting)
        except Fault as fault:
            return [of_stage(cast, str(fault))]
        other = recast(cast, scene.functions, scene.values, scene.label, scene.announce, scene.stream)
        for row in cast.chain.rows:
            result = hold(other, row, scene.stream, only_rule=True) if row.tag in held else None
            if result and result.verdict == FAIL:
                return [result._replace(notes=(f"after {setting} settings of the stage on which it passes",))]
        setting += 1
    return []


def play_deterministic(cast, results, functions, scene_of, seconds, only_stage):
    """play_settings for the deterministic rows. Gaps of a few digits on a minority of settings are a quadrature's."""
    held = [result.row for result in results if result.against and not {result.row, result.against} & randoms(cast)]
    if not held or any(result.verdict != PASS and not is_rough(result) for result in results):
        return results, [], ()
    begun, setting, fixed, rough = time.process_time(), 1, True, [r for r in results if r.verdict != PASS]
    while setting <= MOST and (time.process_time() - begun < seconds or setting == 1):
        try:
            scene = scene_of(setting)
        except Fault as fault:      # the stage's: it cannot be set so
            return results, [of_stage(cast, str(fault))], ()
        other = recast(cast, scene.functions, scene.values, scene.label, scene.announce)
        played = [hold(other, row) for row in cast.chain.rows if row.tag in held]
        wrong = [result for result in played if result.verdict != PASS and not is_rough(result)]
        if wrong:
            told = f"after {setting - 1:,} settings of the stage on which it passes"
            return results, [wrong[0]._replace(notes=(told,))], ()
        rough += [result for result in played if result.verdict != PASS][:1]
        fixed = fixed and alike(cast, other)
        if setting == ALIKE and fixed:
            break
        setting += 1
    if 2 * len(rough) > setting:
        return results, [result for result in rough if result not in results][:1], ()
    results, more = [excused(r, len(rough), setting) if r.verdict != PASS else r for r in results], []
    notes = (f"and on {setting - 1:,} more settings",)
    if rough:
        digits = min(int(-np.log10(result.gap / result.scale)) for result in rough)
        notes = (f"and on {setting - 1:,} more settings, on {len(rough)} of them to {digits} digits only",)
    if fixed and setting >= ALIKE and any(symbols(functions[tag])[0] for tag in held):
        told = (f"stage {cast.label} gives the same values every time: take its numbers from rng, "
                "or a coincidence passes for a proof")
        notes = (told,)
        if only_stage:
            more.append(of_stage(cast, told))
    else:
        notes += plain(cast.values, {name for tag in held for name in symbols(functions[tag])[1]})
    return results, more + masked_transpositions(cast, functions), notes


def of_stage(cast, message):
    """The Result of a stage that cannot be set once more, or hides a mistake."""
    return Result(cast.chain.name, cast.label, "the chain", "", cast.chain.line, "stage", verdict=FAIL, message=message)


def is_rough(result):
    """Whether two deterministic rows differ by no more than a rough quadrature does."""
    equal = result.relation == "=" and result.how.startswith("exact")
    return equal and result.verdict == FAIL and result.gap <= ROUGH * result.scale


def excused(result, rough, setting):
    told = (f"differs in the last digits here and on {rough - 1} of {setting - 1:,} other settings: "
            "let a quadrature carry its error")
    return result._replace(verdict=PASS, message="", notes=result.notes + (told,))


def randoms(cast):
    return {played.row.tag for played in cast.done if played.random}


def recast(cast, functions, values, label, announce=lambda tag: None, stream=None):
    """The Cast of the deterministic rows on another setting; of all rows, where a stream is given."""
    done, broken = [], {}
    for played in cast.done:
        if stream or not played.random:
            announce(played.row.tag)
            try:
                done.append(again(played, functions[played.row.tag], values, stream))
            except Exception as fault:
                broken[played.row.tag] = str(fault)
    return Cast(cast.chain, label, values, done, broken, cast.segments)


def again(played, function, values, stream):
    """A row with other values."""
    if not played.random:
        return played_by(played, function, values)
    noise, S = require_noise(values)
    eps = draw(noise, stream(played.row.tag, "shape"), 2, S)
    return played_by(played, function, values, call(function, {**values, "eps": eps}))


def alike(cast, other):
    """Whether the numbers of two settings of a stage and all rows on them are the same."""
    mine = {name: value for name, value in cast.values.items() if isinstance(value, (int, float, np.ndarray))}
    theirs = {played.row.tag: played.value for played in other.done}
    return all(np.array_equal(value, other.values.get(name)) for name, value in mine.items()) and all(
        np.array_equal(played.value, theirs.get(played.row.tag)) for played in cast.done if not played.random
    )


def plain(values, used):
    """Notes on numbers of the stage that a mistake may hide behind: 0, 1, equal entries, diagonal or symmetric
    matrices.
    """
    told = []
    for name in sorted(used & set(values)):
        value = values[name]
        if isinstance(value, float) and value in (0.0, 1.0):
            told.append(f"{name} = {value:g}")
        elif isinstance(value, np.ndarray) and value.dtype.kind == "f" and 1 < value.size <= 64:
            told += [f"{name} {what}" for what in plain_array(value)]
    return (f"the stage is plain: {'; '.join(told)}",) if told else ()


def plain_array(array):
    flat = array.ravel()
    if array.ndim == 2 and array.shape[0] == array.shape[1] and np.array_equal(array, array.T):
        off = array[~np.eye(len(array), dtype=bool)]
        yield "is diagonal" if not np.any(off) else "is symmetric"
    elif np.all(flat == flat[0]):
        yield f"holds nothing but {flat[0]:g}"
    elif len(np.unique(flat)) < len(flat) and not np.all(flat == np.rint(flat)):
        yield "has equal entries"


def masked_transpositions(cast, functions):
    """Results of rows that agree because a matrix of the stage is symmetric: move one entry, and one is the other's
    transpose.
    """
    found = []
    square = [p for p in cast.done
              if not p.random and len(p.shape) == 2 and p.shape[0] == p.shape[1] and np.allclose(p.value, p.value.T)]
    for name, value in cast.values.items():
        if len(square) < 2 or not (
            isinstance(value, np.ndarray) and value.ndim == 2 and "is symmetric" in plain_array(value)
        ):
            continue
        moved = value.copy()
        moved[0, 1] += NUDGE * np.max(np.abs(value))
        other = {p.row.tag: p for p in recast(cast, functions, {**cast.values, name: moved}, cast.label).done}
        for above, below in zip(square, square[1:]):
            if {above.row.tag, below.row.tag} <= other.keys() and cast.segments[above.row.tag] == cast.segments[
                below.row.tag
            ]:
                a, b = other[above.row.tag].value, other[below.row.tag].value
                if close(a, b.T) and not close(a, b):
                    found.append(
                        Result(
                            cast.chain.name,
                            cast.label,
                            below.row.tag,
                            below.row.relation,
                            below.row.line,
                            "stage",
                            verdict=FAIL,
                            message=f"agrees with {{{above.row.tag}}} only because {name} is symmetric on this stage: "
                            "one is the other's transpose",
                            against=above.row.tag,
                        )
                    )
    return found


def close(a, b):
    return np.allclose(a, b, rtol=0, atol=EXACT * np.max(np.abs(a)))
