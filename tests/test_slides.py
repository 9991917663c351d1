"""derivations/slides.tsv: every item of the five decks once, and every tag and figure it names exists."""
import csv
from collections import Counter

import pytest

from refvi import CHAPTERS, FINISHED, files
from refvi.commands.figures import load_press
from refvi.verify.document import read

HOME = files.checkout() / "derivations"
DECKS = {"WI": 51, "UA": 106, "SA": 52, "RAI": 127, "PML": 165}
KINDS = {"system", "claim", "equation", "figure", "algorithm", "table-row", "task"}
CHAPTERS_TO_COME = {"amortization", "bayesian_nn", "dropout", "deep_latent", "structure", "adversarial", "ppl"}


def items():
    with open(HOME / "slides.tsv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def tags(name):
    return {row.tag for chain in read(HOME / f"{name}.md").chains for row in chain.rows}


def uncovered(rows, finished):
    """Equations of finished chapters that no row cites."""
    return [row["id"] for row in rows if row["derivation"] in finished and row["kind"] == "equation" and row["status"] == "open"]


def unknown(rows):
    """Statuses that name no tag of their derivation and no figure."""
    known = {name: tags(name) for name in CHAPTERS}
    figures = set(load_press().names())
    for row in rows:
        if row["status"] == "open":
            continue
        for part in row["status"].split("; "):
            kind, _, name = part.partition(" ")
            if not (kind == "row" and name in known.get(row["derivation"], ()) or kind == "figure" and name in figures):
                yield row["id"], part


def test_every_item_stands_once():
    rows = items()
    assert len(rows) == 501 and len({row["id"] for row in rows}) == 501
    assert Counter(row["deck"] for row in rows) == DECKS
    assert all(row["id"].startswith(row["deck"] + ".") and row["kind"] in KINDS for row in rows)
    assert {row["derivation"] for row in rows} <= set(CHAPTERS) | CHAPTERS_TO_COME


def test_every_status_names_something_that_exists():
    assert list(unknown(items())) == []


def test_finished_chapters_are_complete():
    assert set(FINISHED) <= set(CHAPTERS)
    assert uncovered(items(), FINISHED) == []


def test_the_checks_above_can_fail():
    row = dict(id="X.1", deck="X", derivation="elbo", kind="equation", status="row no such row")
    assert list(unknown([row])) == [("X.1", "row no such row")]
    assert list(unknown([row | {"status": "figure mona_lisa"}])) == [("X.1", "figure mona_lisa")]
    assert uncovered([row | {"status": "open"}], ("elbo",)) == ["X.1"]


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_cites_slides(name):
    assert any(row["derivation"] == name and row["status"].startswith("row") for row in items())
