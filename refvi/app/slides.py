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


def run(options):
    print("\n".join(found(options.words) if options.words else summary(items())))
    return 0


def items():
    """Every statement, figure and task of the decks: dicts with derivations/slides.tsv's header as keys."""
    with open(files.checkout() / "derivations" / "slides.tsv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def places(item):
    """What an item's status names: [("row" or "figure", name), ...], nothing while it is open."""
    return [] if item["status"] == "open" else [tuple(part.split(" ", 1)) for part in item["status"].split("; ")]


def words_of(text):
    """Letters and digits only: dashes, dots and question marks are typed as one pleases."""
    return re.findall(r"[^\W_]+", text.casefold())


def matching(words, rows):
    """The items with all words in deck and title; if there are none, in id, rows and figures; LookupError names the nearest words."""
    wanted = words_of(" ".join(words))
    for fields in (("deck", "slide"), ("id", "status")):
        texts = [" ".join(words_of(" ".join(item[field] for field in fields))) for item in rows]
        hits = [item for item, text in zip(rows, texts) if all(word in text for word in wanted)]
        if hits and wanted:
            return hits
    titles = {word for item in rows for word in words_of(item["slide"])}
    near = {word: difflib.get_close_matches(word, sorted(titles), n=3) for word in wanted if not any(word in title for title in titles)}
    meant = "".join(f"; {word!r} is in no title" + (f", did you mean {' or '.join(close)}?" if close else "") for word, close in near.items())
    raise LookupError(f"no slide's title has all of {' '.join(words)!r}, and no row or figure{meant or '; try fewer words'} (`refvi slides` lists the decks)")


def found(words):
    """The lines of the answer: slide by slide, item by item, where each is checked."""
    for (deck, title), group in groupby(matching(words, items()), key=lambda item: (item["deck"], item["slide"])):
        yield f"{deck}: {title}"
        for item in group:
            chapter = item["derivation"]
            yield f"  {item['id']}  {item['kind']}" + ("" if places(item) else f", open: {'in' if chapter in CHAPTERS else 'for a later chapter,'} {chapter}")
            for kind, name in places(item):
                yield f"    {kind:<6}  {name:<28}  {'   '.join(row_places(chapter, name) if kind == 'row' else figure_places(name))}"


def row_places(chapter, tag):
    """path:line of the row on its page, where it stands first, and of its function; either may be clicked in most terminals."""
    page = files.page(chapter)
    line = next(row.line for chain in read(page).chains for row in chain.rows if row.tag == tag)
    return f"{shown(page)}:{line}", "{}:{}".format(*function_place(page, tag.replace(" ", "_")))


def function_place(page, function):
    """(path, line) of a row's function; what only a stage supplies stands in the companion."""
    try:
        code = code_of(names_of(page).get(function))
    except Fault as fault:
        raise ValueError(str(fault)) from None
    if code:
        return shown(code.co_filename), code.co_firstlineno
    companion = page.with_suffix(".py")
    lines = companion.read_text(encoding="utf-8").splitlines()
    return shown(companion), next((number for number, line in enumerate(lines, 1) if re.search(rf"\b{function}\b", line)), 1)


@cache
def names_of(page):
    """The names of a page's companion, which is run once."""
    return load(page).names


def figure_places(name):
    """The paths of a figure's pictures and of its script."""
    home = files.checkout() / "figures"
    return [shown(path) for path in sorted(home.rglob(f"{name}.*")) if path.suffix in (".svg", ".png", ".gif")] + [shown(path) for path in home.rglob(f"{name}.py")]


def shown(path):
    """A path as short as it can be from here."""
    path = Path(path)
    return os.fspath(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def summary(rows):
    """Deck by deck: how many items have a row, only a figure, or neither yet, and in which chapters."""
    yield f"{'deck':<5}{'items':>6}{'row':>6}{'figure':>8}{'open':>6}  checked in"
    for deck in [*DECKS, None]:
        mine = [item for item in rows if deck in (item["deck"], None)]
        kinds = Counter(max((kind for kind, _ in places(item)), default="open") for item in mine)     # "row" > "figure": an item with both has a row
        where = Counter(item["derivation"] for item in mine if places(item))
        told = ", ".join(f"{chapter} {where[chapter]}" for chapter in CHAPTERS if where[chapter])
        yield f"{deck or 'all':<5}{len(mine):>6}{kinds['row']:>6}{kinds['figure']:>8}{kinds['open']:>6}  {told}"
    yield ""
    yield from (f"{deck:<5}{name}" for deck, name in DECKS.items())
    yield "Words of a slide's title lead to its rows, functions and pictures: refvi slides intractable gradient"
