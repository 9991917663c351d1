"""The whole site: a page for every chapter and every deck, what is open, a search, and an index."""
import html
import json
import re
import shutil
from pathlib import Path
from string import Template

from refvi import CHAPTERS, PARTS
from refvi.base import decks, files
from refvi.reading.page import body_of
from refvi.reading.site import PICTURES, Site
from refvi.reading.slides import LETTERS, deck_page, to_items, with_indices
from refvi.reading.sources import coloured
from refvi.reading.symbols import symbols
from refvi.reading.whole import whole

HERE = Path(__file__).resolve().parent
FRAME = Template((HERE / "page.html").read_text(encoding="utf-8"))
LEGEND = ("✓ holds (a slip: differs, as it should), • is given, ? is undecided, ✗ is refused, – not played. The second "
          "sign is the ground: the worst verdict among the rows it was held against, the rows whose functions it "
          "calls, and theirs.")
NO_REPORT = ("This page was made without a report: refvi verify --json report.json, then "
             "refvi html --report report.json.")


def build(out, report=None):
    """Write the site into the folder out; yields the paths of its pages.

    report: the path of a report by `refvi verify --json`, or None for pages without verdicts.
    """
    out, site = files.require_folder(out, "the site"), Site(report)
    for name in ("style.css", "math.woff2", "FONT-LICENSE.txt"):
        shutil.copyfile(HERE / name, out / name)
    script = (HERE / "script.js").read_text(encoding="utf-8")
    files.write(out / "script.js", constant("SYMBOLS", symbols(site.home)) + script)
    letters = {letter: name for name, letter in LETTERS.items()}      # the index has names: they can be typed
    files.write(out / "index.js", constant("INDEX", list(index(site))) + constant("LETTERS", letters))
    read = {}
    for name, title, body, near in bodies(site):
        read[name] = body
        files.write(out / name, framed(title, body, near, dated(site.report)))
        yield out / name
    chapters = {name: read[f"{name}.html"] for name in CHAPTERS}
    files.write(out / "all.html", framed("All chapters", whole(chapters), (None, None), dated(site.report)))
    yield out / "all.html"
    for source, target in site.copied.items():
        copy(site.home / source, out / target)


def constant(name, value):
    """A line of JavaScript."""
    return f"const {name} = {json.dumps(value, ensure_ascii=False)};\n"


def bodies(site):
    """(file name, title, HTML of the body, names of the pages before and after) of every page."""
    for source, name in site.pages.items():
        title, body = body_of(site.home / source, site.link(source), site)
        near = around(list(CHAPTERS), Path(source).stem)
        yield name, title, to_items(body) if name == "errata.html" else body, near
    items, names = decks.items(), [f"deck_{deck}" for deck in decks.DECKS]
    for name, (deck, title) in zip(names, decks.DECKS.items()):
        yield f"{name}.html", title, deck_page(deck, items, site), around(names, name)
    yield "index.html", "refvi", contents(), (None, None)
    yield "open.html", "What is open", what_is_open(items, site), (None, None)
    yield "search.html", "Search", (HERE / "search.html").read_text(encoding="utf-8"), (None, None)


def around(names, name):
    """The names before and after one, None where there is none."""
    pairs = dict(zip(names, zip([None, *names], [*names[1:], None])))
    return pairs.get(name, (None, None))


def framed(title, body, near, told):
    """A whole page."""
    ways = [f'<a href="{name}.html" rel="{rel}">{sign} {name.removeprefix("deck_").replace("_", " ")}</a>'
            for name, rel, sign in zip(near, ("prev", "next"), "←→") if name]
    slides = [f'<a href="deck_{deck}.html" title="{html.escape(name)}">{deck}</a>'
              for deck, name in decks.DECKS.items()]
    return FRAME.substitute(title=html.escape(title), slides=" ".join(slides), near=" ".join(ways), body=body,
                            dated=html.escape(told))


def dated(report):
    """Where a page's verdicts are from, in a sentence."""
    stale = " Pages or modules have changed since: verify again." if report.stale else ""
    return f"Verdicts of {report.date}.{stale} {LEGEND}" if report.date else NO_REPORT


def contents():
    """The index: decks, parts and chapters."""
    named = {"Slide by slide": [(f"deck_{deck}", name) for deck, name in decks.DECKS.items()]}
    named["Slide by slide"].append(("errata", "What the slides have wrong"))
    named |= {part.capitalize(): [(name, title_of(name)) for name in names] for part, names in PARTS.items()}
    parts = []
    for heading, pages in named.items():
        lines = [f'<li><a href="{name}.html">{html.escape(title)}</a></li>' for name, title in pages]
        parts.append(f"<h2>{heading}</h2><ul>{''.join(lines)}</ul>")
    parts.append('<p><a href="all.html">All chapters on one page</a>, to print, or to keep as one PDF.</p>')
    return f"<h1>refvi</h1><p>Every equals sign of these pages, checked by a computer.</p>{''.join(parts)}"


def title_of(name):
    """The heading of a chapter's page."""
    return files.page(name).read_text(encoding="utf-8").splitlines()[0].lstrip("# ")


def what_is_open(items, site):
    """Rows that do not hold or that nothing pins, and items that are not settled, by chapter."""
    left, rows = [item for item in items if not decks.settled(item)], site.report.rows
    bad = [key for key in site.ids if key in rows and (rows[key].loose or rows[key].kind not in ("PASS", "given"))]
    told = (f"{len(bad)} rows do not hold, or begin a segment that nothing pins; "
            f"{len(site.ids.keys() - rows.keys())} of {len(site.ids)} are not in the report.")
    parts = ["<h1>What is open</h1>",
             f"<p>{len(left)} of the {len(items)} statements, figures and tasks of the slides are not settled.</p>",
             f"<p>{told}</p>" if site.report.date else ""]
    for chapter in dict.fromkeys([*CHAPTERS, *(item["derivation"] for item in left)]):
        lines = [open_line(site.row(key), key[2], html.escape(why(rows[key]))) for key in bad if key[0] == chapter]
        lines += [open_line(f"deck_{item['deck']}.html#{item['id']}", item["id"], with_indices(item["statement"]))
                  for item in left if item["derivation"] == chapter]
        heading = title_of(chapter) if chapter in CHAPTERS else chapter.replace("_", " ")
        parts += [f"<h2>{html.escape(heading)}</h2><ul>{''.join(lines)}</ul>"] if lines else []
    return "".join(parts)


def open_line(address, name, told):
    """One thing that is open, told in HTML."""
    return f'<li><a href="{address}">{name}</a>: {told}</li>'


def why(verdict):
    """Why a row is open."""
    return verdict.pinned if verdict.loose else verdict.told


def index(site):
    """[words, address] of all that can be searched for: chapters, rows, slides."""
    yield from ([title_of(name), f"{name}.html"] for name in CHAPTERS)
    yield from ([f"{key[2]} – {key[1]}", site.row(key)] for key in site.ids)
    for item in decks.items():
        yield [f"{item['id']} {item['slide']}: {item['statement']}", f"deck_{item['deck']}.html#{item['id']}"]


def copy(source, target):
    """A picture as it is, an SVG to a hundredth of a point; any other file as a page."""
    if target.suffix == ".svg":
        files.write(target, lighter(source.read_text(encoding="utf-8")))
        return
    if target.suffix in PICTURES:
        shutil.copyfile(source, target)
        return
    text = source.read_text(encoding="utf-8")
    body = f"<pre>{html.escape(text)}</pre>"
    if source.suffix == ".py":
        body = coloured(text, linenos="inline", anchorlinenos=True, lineanchors="L")
    files.write(target, framed(source.name, f"<h1>{source.name}</h1>{body}", (None, None), ""))


def lighter(svg):
    """An SVG without what no reader sees: who made it, indentation, and digits beyond a hundredth of a point."""
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    return re.sub(r"(?<![\d.])([1-9]\d*\.\d\d)\d+", r"\1", svg)
