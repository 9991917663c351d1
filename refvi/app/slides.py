"""refvi slides: from words of a slide's title to the row that checks it, the row's function and its picture."""
import difflib
import os
import re
from collections import Counter
from functools import cache
from itertools import groupby
from pathlib import Path

from refvi import CHAPTERS
from refvi.base import files
from refvi.base.decks import DECKS, NOTHING, items, places, settled
from refvi.verify.companion import load
from refvi.verify.document import Fault, read
from refvi.verify.tracing import code_of

KINDS = ("row", "figure", "fit", "nothing", "open")


def run(options):
    rows = items(options.table)
    print("\n".join(found(options.words, rows) if options.words else summary(rows)))
    return 0


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


def finished(rows):
    """The chapters of which no item is open."""
    left = {item["derivation"] for item in rows if not settled(item)}
    return [chapter for chapter in CHAPTERS if chapter not in left]


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
