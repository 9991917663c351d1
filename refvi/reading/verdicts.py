"""What a report of `refvi verify --json` says of the rows of a page."""
import json
import time
from pathlib import Path
from typing import NamedTuple

SIGNS = {"PASS": "✓", "given": "•", "FAIL": "✗", "UNDERPOWERED": "?", "INCONCLUSIVE": "?", "none": "–"}


class Verdict(NamedTuple):
    """One row on all its stages."""
    verdict: str                # the worst of its stages, or "given" for the first row of a chain, or "none"
    told: str                   # the comparison in words: how, largest gap, resolution
    pinned: str                 # which two rows pin its segment, or why none do
    stages: int

    @property
    def sign(self):
        return SIGNS[self.verdict]


class Report(NamedTuple):
    date: str                   # when it was written, or "" without a report
    stale: bool                 # whether a page or a module is younger
    rows: dict                  # (page's stem, chain, row) -> Verdict


NOTHING = Report("", False, {})


def read_report(path, sources):
    """The Report in a file; sources are the paths it should be younger than."""
    path = Path(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    written, rows = path.stat().st_mtime, {}
    for page in content["pages"]:
        groups = {}
        for result in page["results"]:
            groups.setdefault((Path(page["page"]).stem, result["chain"], result["row"]), []).append(result)
        rows |= {key: verdict_of(results) for key, results in groups.items()}
    stale = any(source.stat().st_mtime > written for source in sources)
    return Report(time.strftime("%Y-%m-%d %H:%M", time.localtime(written)), stale, rows)


def verdict_of(results):
    """The Verdict on a row from its results, one for each stage it was played on."""
    order = ["FAIL", "INCONCLUSIVE", "UNDERPOWERED", "PASS"]
    worst = min(results, key=lambda result: order.index(result["verdict"]))
    given = all(result["how"] == "given" for result in results)
    gaps = [result["gap"] for result in results if result["gap"] is not None]
    seen = [result["resolution"] for result in results if result["resolution"] is not None]
    told = "" if given else f"{worst['how']}; gap {max(gaps, default=0.):.1e}, would have seen {max(seen, default=0.):.1e}"
    pinned = next((f"pinned by {' and '.join(result['pinned'])}" for result in results if result.get("pinned")), "")
    unpinned = next((f"unpinned: {result['unpinned']}" for result in results if result.get("unpinned")), "")
    return Verdict("given" if given else worst["verdict"], told, unpinned or pinned, len(results))
