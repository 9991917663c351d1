"""refvi slides: from words of a slide's title to the row that checks it, the row's function and its picture."""
import csv
import difflib
import os
import re
from collections import Counter
from functools import cache
from itertools import groupby
from pathlib import Path

from refvi import CHAPTERS
from refvi.base import files
from refvi.verify.companion import load
from refvi.verify.document import Fault, read
from refvi.verify.tracing import code_of

DECKS = {"WI": "Welcome and Introduction", "UA": "Introduction (UA 2020)", "SA": "Variational Inference: Introduction",
         "RAI": "Probabilistic Modeling meets Deep Learning", "PML": "Variational Inference and Learning"}
COLUMNS = ("id", "deck", "slide", "kind", "statement", "derivation", "status")
KINDS = ("row", "figure", "fit", "nothing", "open")
NOTHING = "nothing to check: "      # how the status of an item begins that makes no claim about mathematics


def run(options):
    rows = items(options.table)
    print("\n".join(found(options.words, rows) if options.words else summary(rows)))
    return 0


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


SPELLINGS = ((r"parametr", "parameter"), (r"is(ation|e|ed|ing|er)\b", r"iz\1"), (r"behaviour", "behavior"))


def words_of(text):
    """Letters and digits only, in one spelling: dashes, dots and question marks are typed as one pleases."""
    text = text.casefold()
    for pattern, written in SPELLINGS:
        text = re.sub(pattern, written, text)
    return re.findall(r"[^\W_]+", text)


def matching(words, rows):
    """The items with all words in deck and title; else in id, statement, chapter, rows and figures; else on its page.

    LookupError names the nearest words.
    """
    wanted = words_of(" ".join(words))
    for text_of in (title_of, told_of, told_on_page):
        hits = [item for item in rows if wanted and holds(text_of(item), wanted)]
        if hits:
            return hits
    titles = {word for item in rows for word in words_of(f"{title_of(item)} {item['statement']}")}
    meant = "".join(nearest(word, titles) for word in wanted if not any(word in title for title in titles))
    raise LookupError(f"no slide's title has all of {' '.join(words)!r}, and no statement, row, figure or page"
                      f"{meant or '; try fewer words'} (`refvi slides` lists the decks)")


def holds(text, wanted):
    """Whether all words, or their beginnings, stand in a text."""
    text = " ".join(["", *words_of(text)])
    return all(f" {word}" in text for word in wanted)


def title_of(item):
    return f"{item['deck']} {item['slide']}"


def told_of(item):
    """What the table says of an item."""
    return " ".join(item[field] for field in ("id", "statement", "derivation", "status"))


def told_on_page(item):
    """The sections of the pages that hold an item's rows."""
    return " ".join(section(chapter, name) for kind, chapter, name in places(item) if kind == "row")


@cache
def section(chapter, tag):
    """The text of the section in which a row stands first."""
    parts = re.split(r"(?m)^## ", files.page(chapter).read_text(encoding="utf-8"))
    return next((part for part in parts if f"\\tag{{{tag}}}" in part), "")


def nearest(word, titles):
    """What to say of a word that stands in no title: the words of titles that come near."""
    close = difflib.get_close_matches(word, sorted(titles), n=3)
    return f"; {word!r} is in no title or statement" + (f", did you mean {' or '.join(close)}?" if close else "")


def found(words, rows):
    """The lines of the answer: slide by slide, item by item, where each is checked."""
    for (deck, title), group in groupby(matching(words, rows), key=lambda item: (item["deck"], item["slide"])):
        yield f"{deck}: {title}"
        for item in group:
            yield f"  {item['id']}  {item['kind']}{standing(item)}"
            for kind, chapter, name in places(item):
                yield f"    {kind:<6}  {name:<28}  {'   '.join(paths(kind, chapter, name))}"


def standing(item):
    """What is said of an item that no row, figure or fit settles."""
    if item["status"] == "open":
        where = "in" if item["derivation"] in CHAPTERS else "for a later chapter,"
        return f", open: {where} {item['derivation']}: {item['statement']}"
    return f", {item['status']}" if item["status"].startswith(NOTHING) else ""


def paths(kind, chapter, name):
    """Where a row, a figure or a fit stands."""
    if kind == "row":
        return row_places(chapter, name)
    return figure_places(name) if kind == "figure" else [f"refvi fit {name}"]


def row_places(chapter, tag):
    """path:line of the row on its page, where it stands first, and of its function."""
    page = files.page(chapter)
    line = next(row.line for chain in read(page).chains for row in chain.rows if row.tag == tag)
    path, start = function_place(page, tag.replace(" ", "_"))
    return f"{shown(page)}:{line}", f"{path}:{start}"


def function_place(page, function):
    """(path, line) of a row's function; what only a stage supplies stands in the companion."""
    try:
        code = code_of(names_of(page).get(function))
    except Fault as fault:
        raise ValueError(str(fault)) from None
    if code:
        return shown(code.co_filename), code.co_firstlineno
    companion = page.with_suffix(".py")
    lines = enumerate(companion.read_text(encoding="utf-8").splitlines(), 1)
    return shown(companion), next((number for number, line in lines if re.search(rf"\b{function}\b", line)), 1)


@cache
def names_of(page):
    """The names of a page's companion, which is run once."""
    return load(page).names


def figure_places(name):
    """The paths of a figure's pictures and of its script."""
    home = files.checkout() / "figures"
    pictures = [path for path in sorted(home.glob(f"*/{name}.*")) if path.suffix in (".svg", ".png", ".gif")]
    return [shown(path) for path in [*pictures, *home.glob(f"*/{name}.py")]]


def shown(path):
    """A path as short as it can be from here."""
    path = Path(path)
    return os.fspath(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def settled(item):
    """Whether an item has been dealt with."""
    return item["status"] != "open"


def kind_of(item):
    """"row", or "figure", "fit" or "nothing" where no row settles an item, or "open"."""
    kinds = {kind for kind, *_ in places(item)} | {"nothing" if settled(item) else "open"}
    return next(kind for kind in KINDS if kind in kinds)


def summary(rows):
    """Deck by deck: how many items have a row, only a figure, and so on, and in which chapters."""
    yield f"{'deck':<5}{'items':>6}" + "".join(f"{kind:>8}" for kind in KINDS) + "  checked in"
    for deck in [*DECKS, None]:
        mine = [item for item in rows if deck in (item["deck"], None)]
        kinds, where = Counter(map(kind_of, mine)), Counter(item["derivation"] for item in mine if places(item))
        told = ", ".join(f"{chapter} {where[chapter]}" for chapter in CHAPTERS if where[chapter])
        yield f"{deck or 'all':<5}{len(mine):>6}" + "".join(f"{kinds[kind]:>8}" for kind in KINDS) + f"  {told}"
    yield ""
    yield from (f"{deck:<5}{name}" for deck, name in DECKS.items())
    yield "Words of a slide's title lead to its rows, functions and pictures: refvi slides intractable gradient"
