"""The table of the decks: every statement, figure and task, and where it is settled."""
import csv
from pathlib import Path

from refvi.base import files

DECKS = {"WI": "Welcome and Introduction", "UA": "Introduction (UA 2020)", "SA": "Variational Inference: Introduction",
         "RAI": "Probabilistic Modeling meets Deep Learning", "PML": "Variational Inference and Learning"}
COLUMNS = ("id", "deck", "slide", "kind", "statement", "derivation", "status")
NOTHING = "nothing to check: "      # how the status of an item begins that makes no claim about mathematics


def items(table=None):
    """Every statement, figure and task of the decks: dicts with the table's header as keys.

    table: the path of a table of one's own with the columns of derivations/slides.tsv, tabs between them.
    """
    path = Path(table) if table else files.checkout() / "derivations" / "slides.tsv"
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    missing = [name for name in COLUMNS if rows and rows[0].get(name) is None]
    if not rows or missing:
        raise ValueError(
            f"{path} has no column {missing[0] if missing else COLUMNS[0]!r}: its first line names the columns "
            f"{', '.join(COLUMNS)}, with tabs between them"
        )
    return rows


def places(item):
    """Where an item is settled: [(kind, chapter, name), ...], nothing while it is open or where nothing is to check.

    Its status reads `row TAG; row CHAPTER: TAG; figure NAME; fit NAME`: a row without a chapter is one of its own
    chapter.
    """
    if item["status"] == "open" or item["status"].startswith(NOTHING):
        return []
    found = []
    for part in item["status"].split("; "):
        kind, _, name = part.partition(" ")
        chapter, colon, tag = name.partition(": ")
        found.append((kind, chapter, tag) if colon else (kind, item["derivation"], name))
    return found


def settled(item):
    """Whether an item has been dealt with."""
    return item["status"] != "open"
