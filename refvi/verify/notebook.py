"""The checker from Python and from notebooks: results that print as the command prints them, and show as a table."""
import html
import secrets
from pathlib import Path

from refvi.verify import report
from refvi.verify.companion import load, parts_of
from refvi.verify.page import Options, stage_of
from refvi.verify.run import verify

SECONDS = 5.                # for further settings of what is deterministic


class Results(list):
    """The Results of one page, row by row."""

    def __init__(self, results, path, entropy):
        super().__init__(results)
        self.path, self.entropy = path, entropy

    @property
    def passed(self):
        """Whether every row passes."""
        return not self.failures

    @property
    def failures(self):
        """The results that are not PASS."""
        return [result for result in self if result.verdict != "PASS"]

    @property
    def unpinned(self):
        """{(page, chain, row, line): why} of the segments that nothing pins."""
        return report.unpinned({self.path: self})

    def __str__(self):
        lines = [line for unit in by_unit(self) for line in report.unit_lines(unit, self.path, self.entropy)]
        return "\n".join([*lines, report.summary({self.path: self}, self.entropy)])

    __repr__ = __str__

    def _repr_html_(self):
        head = "".join(
            f"<th>{name}</th>" for name in ("chain", "stage", "", "row", "compared", "gap", "resolution", "verdict")
        )
        told = html.escape(report.summary({self.path: self}, self.entropy))
        return f"<table><tr>{head}</tr>{''.join(map(table_row, self))}</table><p>{told}</p>"


def table_row(result):
    cells = (result.chain, result.stage, report.SIGNS[result.relation], result.row, result.how,
             report.number(result.gap), report.number(result.resolution),
             result.verdict if result.verdict == "PASS" else f"{result.verdict}: {result.message}")
    return "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>"


def by_unit(results):
    """The results of each chain on each stage together, in their order."""
    units = {}
    for result in results:
        units.setdefault((result.chain, result.stage), []).append(result)
    return units.values()


def page_at(path):
    """The path of a Markdown page that is there, or of a chapter by its name."""
    from refvi import CHAPTERS
    from refvi.base import files

    path = files.page(path) if path in CHAPTERS else Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"no page {path}: give a chapter's name, or the path of a Markdown page with its companion .py beside it"
        )
    return path


def stage(path, label, entropy):
    """The symbols that a page's stage supplies, to run a row by hand; label and entropy as a report prints them.

    They are what the rows were called with; of a random row, values["noise"].draw(rng, R, S) gives eps.
    """
    path = page_at(path)
    companion = load(path)
    return stage_of(path, companion, *parts_of(label, companion.stages), entropy)


def verified(path, entropy=None, stages=1, stage=None, timeout=60.0, mutants=None, strict=False):
    """The Results of a Markdown page with its companion beside it, or of a chapter by its name.

    entropy: an integer below 2^128 replays a run; stages: how often each stage is set; stage: the label of the only
    one; timeout: seconds for a row; mutants: so many mistakes in the source of each row, -1 for all; strict: a
    ValueError where a segment is unpinned.
    """
    entropy = secrets.randbits(128) if entropy is None else entropy
    path = page_at(path)
    options = Options(entropy, stages, stage, timeout, None, mutants, SECONDS if stages == 1 and stage is None else 0.0)
    results = Results([r for kind, news in verify(path, options) if kind == "results" for r in news], path, entropy)
    if strict and results.unpinned:
        raise ValueError("\n".join(report.unpinned_lines({path: results})).strip())
    return results
