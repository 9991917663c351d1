"""What a report of `refvi verify --json` says of the rows of the pages."""
import json
import time
from pathlib import Path
from typing import NamedTuple

from refvi import CHAPTERS
from refvi.base import files
from refvi.reading.sources import function_of, place_of, reached
from refvi.verify.document import read
from refvi.verify.tracing import code_of

ORDER = ["FAIL", "INCONCLUSIVE", "UNDERPOWERED", "none", "PASS", "given"]       # the worst first
SIGNS = dict(zip(ORDER, ["✗", "?", "?", "–", "✓", "•"]))
MUTANTS = "mutants of "      # how a report names a row's mistakes
WORDS = dict(zip(ORDER, ["is refused", "undecided", "undecided", "not played", "holds", "is given"]))


class Verdict(NamedTuple):
    """One row on all its stages."""
    kind: str                   # one of ORDER: that of its worst stage
    told: str                   # the comparison of that stage, in words
    gap: float | None           # of that stage
    pinned: str                 # what pins its segment, or why nothing does, on whichever stage
    loose: bool                 # whether on some stage nothing pins its segment
    against: tuple = ()         # tags of the rows it was held against
    mutants: str = ""           # what became of the mistakes that were planted in it, where they were


class Report(NamedTuple):
    """The verdicts of all pages."""
    date: str                   # when the report was written, or "" without one
    stale: bool                 # whether a page or a module is younger
    rows: dict                  # (chapter, chain, tag) -> Verdict

    def verdict(self, key):
        told = "not in the report" if self.date else "this page was made without a report"
        return self.rows.get(key, Verdict("none", told, None, "", False))


def read_report(path, sources):
    """The Report in a file, none without a path; sources are the files it should be younger than."""
    if path is None:
        return Report("", False, {})
    content, written = json.loads(Path(path).read_text(encoding="utf-8")), Path(path).stat().st_mtime
    groups, mutants = {}, {}
    for page in content["pages"]:
        for result in page["results"]:
            key = Path(page["page"]).stem, result["chain"], result["row"].removeprefix(MUTANTS)
            if result["row"].startswith(MUTANTS):
                mutants[key] = "; ".join(filter(None, [f"mutants: {result['how']}", result["message"]]))
            else:
                groups.setdefault(key, []).append(result)
    stale = any(source.stat().st_mtime > written for source in sources)
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(written))
    return Report(when, stale, {key: verdict_of(results, mutants.get(key, "")) for key, results in groups.items()})


def verdict_of(results, mutants=""):
    """The Verdict on a row from its results, one for each stage it was played on."""
    worst = min(results, key=severity)
    given = all(result["how"] == "given" for result in results)
    told = f"{worst['how']}: gap {number(worst['gap'])}, would have seen {number(worst['resolution'])}"
    if worst["stage"]:
        told += f", on stage {worst['stage']}" + f", the closest of {len(results)}" * (len(results) > 1)
    told = "; ".join(filter(None, [told, worst["message"]]))
    pins = next((" and ".join(result["pinned"]) for result in results if result["pinned"]), "")
    loose = next((result["unpinned"] for result in results if result["unpinned"]), "")
    pinned = f"unpinned: {loose}" if loose else f"pinned by {pins}" * bool(pins)
    against = dict.fromkeys(result["against"] for result in results if result["against"])
    kind = "given" if given else worst["verdict"]
    told = "the chain begins here" if given else told
    return Verdict(kind, told, worst["gap"], pinned, bool(loose), tuple(against), mutants)


def severity(result):
    """Orders results, the worst first: by verdict, then by how near the gap comes to what would have been seen."""
    ratio = (result["gap"] or 0.) / (result["resolution"] or 1.)
    return ORDER.index(result["verdict"]), ratio if result["relation"] == r"\ne" else -ratio


def number(x):
    """A gap in words."""
    if x is None:
        return "none"
    whole = 99.5 <= abs(x) < 1e6
    return f"{x:.0f}" if whole else f"{x:.2g}"


class Ground:
    """What rows rest on: the rows they were held against, the rows whose functions they call, and so on down."""

    def __init__(self, report):
        self.report, self.functions, self.rows_at, self.below = report, {}, {}, {}
        for chapter in CHAPTERS:
            page = files.page(chapter)
            for chain in read(page).chains:
                for row in chain.rows:
                    function = function_of(page, row.tag)
                    if function:
                        key = chapter, chain.name, row.tag
                        self.functions[key] = function
                        self.rows_at.setdefault(place_of(function), []).append(key)

    def steps(self, key):
        """The rows that one row rests on directly, or through functions that are no rows."""
        if key not in self.below:
            function = self.functions.get(key)
            places = reached(code_of(function), function) if function else ()
            against = [(*key[:2], tag) for tag in self.report.verdict(key).against]
            self.below[key] = {*against, *(row for place in places for row in self.rows_at.get(place, ()))} - {key}
        return self.below[key]

    def under(self, key):
        """All rows that a row rests on."""
        seen, open_ = set(), [key]
        while open_:
            new = self.steps(open_.pop()) - seen
            seen |= new
            open_ += new
        return seen - {key}

    def worst(self, key):
        """The kind of the worst verdict under a row; None without a report, or where nothing but what is given is."""
        kinds = {self.report.verdict(row).kind for row in self.under(key)} - {"given"}
        return min(kinds, key=ORDER.index, default=None) if self.report.date else None
