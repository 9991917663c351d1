"""One page in its worker process: read it, set its stages, plan which chains play on which, and play them."""
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from refvi.verify.chance import stream_of
from refvi.verify.companion import is_lent, label_of, load, parts_of, set_stage, wire
from refvi.verify.document import Fault, read
from refvi.verify.fresh import servant
from refvi.verify.mutants import plant
from refvi.verify.perform import Trail
from refvi.verify.play import Scene, hold, judge, observe, observe_row, rehearse
from refvi.verify.settings import play_settings
from refvi.verify.source_mutants import plant_in_source, reasons_of, uses_of
from refvi.verify.tracing import caches, code_of
from refvi.verify.trial import FAIL
from refvi.verify.verdict import Result

TIMEOUT = 60.               # seconds a row may take


class Options(NamedTuple):
    entropy: int
    stages: int = 1             # how often each stage is set
    stage: str | None = None    # play only the stage of this label
    timeout: float = TIMEOUT
    plot: Any = None            # folder for pictures of random rows
    mutants: int | None = None  # plant mistakes in every row's value, and so many in its source, -1 for all
    seconds: float = 0.         # for further settings of what is deterministic, of the whole page


class Unit(NamedTuple):
    """One chain on one setting of one stage."""
    chain: int
    stage: str
    setting: int

    @property
    def label(self):
        return label_of(self.stage, self.setting)


class Page(NamedTuple):
    """A page that was read, with its companion and what the command asks for."""
    document: Any
    companion: Any
    options: Options
    tell: Any                   # sends a message to the parent process
    values_of: Any              # (stage, setting) -> the symbols of the stage


def play_page(tell, path, options, begun, hung):
    """Play what is left of a page's plan, from unit number begun on; hung: unit number -> {tag: Fault} of rows to leave
    out.
    """
    try:
        document, companion = read(path), load(path)
    except (Fault, OSError, UnicodeError) as error:
        tell(("plan", []))
        tell(("results", -1, [of_the_page(error)]))
        return
    page = Page(document, companion, options, tell, setter(document, companion, options, tell))
    values, broken = first_settings(page)
    wired, units, unplayable = plan(page, values)
    tell(("plan", units))
    if begun == 0 and not hung:
        tell(("results", -1, faults(page) + broken + unplayable))
    trails_of = observer(page, wired, units)
    for number in range(begun, len(units)):
        tell(("results", number, play_unit(page, wired, units, number, trails_of, hung.get(number, {}))))
    if options.mutants and options.stage is None:
        for number, results in source_mutants(page, wired, units, trails_of, begun, hung):
            tell(("results", number, results))


def observer(page, wired, units):
    """The function (number of a unit, hung) -> {tag: Trail}, which asks a process in which no row has run.

    Each row of each chain is asked for once, and again on a stage that brings a row of its own.
    """

    @lru_cache(maxsize=1)
    def memories():
        return caches()

    ask = servant(
        lambda number, tag: observe_row(set_scene(page, wired, units[number]), tag, memories(), page.options.timeout)
    )
    known = {}

    def trails_of(number, hung):
        unit, scene = units[number], set_scene(page, wired, units[number])
        seen = {tag: known[unit.chain, function] for tag, function in scene.functions.items()
                if (unit.chain, function) in known}
        found = observe(scene, partial(ask, number), seen, hung)
        known.update(
            {(unit.chain, scene.functions[tag]): trail for tag, trail in found.items() if isinstance(trail, Trail)}
        )
        return found

    return trails_of


def source_mutants(page, wired, units, trails_of, begun, hung):
    """Yield (number, results) for the changes in the source of each of the page's rows, from number begun on; hung:
    number -> {tag: Fault} of rows whose mutants did not end.
    """
    scenes = []
    for number, unit in enumerate(units):
        scene = set_scene(page, wired, unit)
        cast = rehearse(scene, trails_of(number, {}))
        results = [hold(cast, row, scene.stream, only_rule=True) for row in cast.chain.rows]
        scenes.append((cast, results, scene.functions, scene.stream))

    def announce(row):
        page.tell(("row", (row.tag, "source mutants", row.line)))

    rng = stream_of(page.options.entropy, page.document.path.name, "source mutants")
    reasons = reasons_of(page.document.path)
    plants = plant_in_source(uses_of(scenes), page.options.mutants, rng, announce, reasons)
    for number, planted in enumerate(plants, len(units)):
        if number < begun:
            continue
        faults = hung.get(number, {}).items()
        yield number, [of_the_page(fault, row=tag) for tag, fault in faults] or planted()


def of_the_page(message, line=1, stage="", chain="the page", row=""):
    """The Result of what is wrong beside the rows."""
    return Result(chain, stage, row, "", line, "read", verdict=FAIL, message=str(message))


def setter(document, companion, options, tell):
    """The function (stage, setting) -> symbols, which remembers what it has set."""
    rows = codes_of_rows(document, companion)

    @lru_cache(maxsize=256)
    def values_of(stage, setting):
        tell(("row", (f"stage {label_of(stage, setting)}", "", 1)))
        return stage_of(document.path, companion, stage, setting, options.entropy, rows if setting == 0 else ())

    return values_of


def stage_of(path, companion, stage, setting, entropy, rows=()):
    """The symbols of one setting of a stage, as every run with this entropy sets it; rows as in set_stage."""
    label = label_of(stage, setting)
    rng = stream_of(entropy, path.name, "stage", label)
    return set_stage(label, companion.stages[stage], rng, frozenset(rows))


def codes_of_rows(document, companion):
    return {code_of(companion.names.get(row.function)) for chain in document.chains for row in chain.rows} - {None}


def faults(page):
    """What stands outside the chains and cannot be checked, and the rows that ran too early."""
    early = codes_of_rows(page.document, page.companion) & page.companion.ran
    return [of_the_page(fault, fault.line or 1) for fault in page.document.faults] + [
        of_the_page(
            f"{page.companion.path.name} runs the row {code.co_name} as it is loaded: let rows compute what they "
            "claim, and put what tries them below if __name__ == '__main__'"
        )
        for code in early
    ]


def first_settings(page):
    """({stage: its symbols}, results): every stage set once, and those that cannot be."""
    values, broken = {}, []
    for stage in page.companion.stages:
        try:
            values[stage] = page.values_of(stage, 0)
        except Fault as fault:
            broken.append(of_the_page(fault, stage=stage))
    return values, broken


def plan(page, values):
    """([(chain, functions)], units, results): each chain wired, what plays on what, and what plays nowhere."""
    wired, units, unplayable = [], [], []
    for index, chain in enumerate(page.document.chains):
        chain, functions, lacking = wire(chain, page.companion.names, values)
        wired.append((chain, functions))
        playable = [stage for stage in values if not lacking[stage]]
        if values and not playable:
            lacks = "; ".join(f"{stage} lacks {', '.join(symbols)}" for stage, symbols in lacking.items())
            unplayable.append(
                of_the_page(f"no stage supplies all its symbols ({lacks}): let one stage return them together",
                            chain.line, chain=chain.name, row="the chain")
            )
        units += [unit for stage in playable for unit in settings(index, stage, page.options)]
    if units and page.options.stage is None:
        played = {unit.stage for unit in units}
        idle = [stage for stage in values if stage not in played and not is_lent(page.companion.stages[stage])]
        unplayable += [
            of_the_page(
                f"stage {stage} plays no chain: see that it supplies all symbols of one, by the names of its rows' "
                "arguments",
                stage=stage,
            )
            for stage in idle
        ]
    return wired, units, unplayable


def settings(index, stage, options):
    """The units of one chain on one stage that the options ask for."""
    if options.stage is None:
        return [Unit(index, stage, setting) for setting in range(options.stages)]
    try:
        asked, setting = parts_of(options.stage, [stage])
    except LookupError:
        return []
    return [Unit(index, asked, setting)]


def set_scene(page, wired, unit):
    """The Scene of a unit, or the Fault of its stage."""
    chain, functions = wired[unit.chain]
    values = page.values_of(unit.stage, unit.setting)
    own = {tag: values.get(tag.replace(" ", "_"), function) for tag, function in functions[unit.stage].items()}
    lines = {row.tag: row.line for row in chain.rows}
    stream = partial(stream_of, page.options.entropy, page.document.path.name, chain.name, unit.label)
    return Scene(chain, unit.label, values, own, stream, lambda tag: page.tell(("row", (tag, chain.name, lines[tag]))))


def play_unit(page, wired, units, number, trails_of, hung):
    """The results of one chain on one setting of one stage, and of its deterministic rows on further settings."""
    unit = units[number]
    try:
        scene = set_scene(page, wired, unit)
    except Fault as fault:
        return [of_the_page(fault, stage=unit.label, chain=wired[unit.chain][0].name)]
    options = page.options
    cast = rehearse(scene, trails_of(number, hung))
    results = judge(cast, scene.stream, scene.announce,
                    plot=options.plot and painter(options.plot, page.document.path, scene.chain, unit))
    if options.seconds:

        def scene_of(setting):
            return set_scene(page, wired, unit._replace(setting=setting))

        alone = sum(other.chain == unit.chain for other in units) == 1
        results, more, notes = play_settings(
            cast, results, scene.functions, scene_of, min(1.0, options.seconds / len(units)), alone
        )
        results = [results[0]._replace(notes=results[0].notes + notes), *results[1:], *more]
    return results + (plant(cast, scene.stream, results, scene.announce) if options.mutants is not None else [])


def painter(folder, path, chain, unit):
    """What draws the running mean of a random row; matplotlib is imported only when it is asked for."""
    from refvi.verify.plot import running_mean

    def paint(tag, draws, target):
        name = "-".join([path.stem, chain.name, tag, unit.label]).lower()
        picture = "".join(c if c.isalnum() else "_" for c in name) + ".svg"
        running_mean(Path(folder) / picture, f"{tag}, stage {unit.label}", draws, target)

    return paint
