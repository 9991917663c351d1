"""The whole site: a page for every chapter, notation and errata, what is open, and an index."""
import html
import shutil
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from refvi import CHAPTERS, PARTS
from refvi.app import slides
from refvi.base import files
from refvi.reading.page import body_of, site_link
from refvi.reading.verdicts import NOTHING, read_report

HERE = Path(__file__).resolve().parent
LEGEND = "✓ holds (or, on a slip, differs as it should), • is given, ? is undecided, ✗ is refused; open a verdict for what was seen."


def build(out, report=None):
    """Write the site into the folder out; yields the paths of its pages.

    report: the path of a report by `refvi verify --json`, or None for pages without verdicts.
    """
    home, out = files.checkout(), files.require_folder(out, "the site")
    sources = [*home.glob("derivations/**/*.md"), *home.glob("derivations/**/*.py"), *home.glob("refvi/**/*.py")]
    verdicts = read_report(report, sources) if report else NOTHING
    pages = {f"derivations/{CHAPTERS[name]}/{name}.md": f"{name}.html" for name in CHAPTERS}
    pages |= {f"derivations/{name}.md": f"{name}.html" for name in ("notation", "errata")}
    linked, names = {}, list(CHAPTERS)
    for name in ("style.css", "math.woff2", "FONT-LICENSE.txt"):
        shutil.copyfile(HERE / name, out / name)
    for source, target in pages.items():
        path = home / source
        link = with_files(site_link(source, pages), home, linked)
        title, body = body_of(path, verdicts, link)
        before, after = neighbours(names, path.stem)
        files.write(out / target, framed(title, body, before, after, verdicts))
        yield out / target
    for source, target in linked.items():
        copy(home / source, out / target)
    for target, title, body in ((("index.html"), "refvi", contents()), ("open.html", "What is open", what_is_open(verdicts))):
        files.write(out / target, framed(title, body, None, None, verdicts))
        yield out / target


def with_files(link, home, linked):
    """link, which also notes the repository's files that pages point to, so that they are copied beside them."""
    def follow(target):
        found = link(target)
        path, mark, anchor = found.partition("#")
        if ":" in path or path.endswith(".html") or not path:
            return found
        if (home / path).is_dir():
            path = next((f"{path}/{name}" for name in ("rows.py", "__init__.py") if (home / path / name).is_file()), path)
        if not (home / path).is_file():
            return found
        linked[path] = path.replace("/", "-") + (".html" if path.endswith((".py", ".tsv", ".mplstyle")) else "")
        return linked[path] + mark + anchor
    return follow


def copy(source, target):
    """A picture as it is; a module or a table as a page."""
    if target.suffix != ".html":
        shutil.copyfile(source, target)
        return
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".py":
        body = highlight(text, PythonLexer(), HtmlFormatter(linenos="inline", cssclass="source", anchorlinenos=True, lineanchors="L"))
    else:
        body = f"<pre>{html.escape(text)}</pre>"
    files.write(target, framed(source.name, f"<h1>{source.name}</h1>{body}", None, None, None))


def neighbours(names, name):
    """The chapters before and after one."""
    if name not in names:
        return None, None
    at = names.index(name)
    return names[at - 1] if at else None, names[at + 1] if at + 1 < len(names) else None


def framed(title, body, before, after, verdicts):
    """A whole page."""
    ways = [f'<a href="{name}.html" rel="{rel}">{sign} {name.replace("_", " ")}</a>'
            for name, rel, sign in ((before, "prev", "←"), (after, "next", "→")) if name]
    top = '<nav><a href="index.html">refvi</a> <a href="open.html">what is open</a> <a href="notation.html">notation</a> ' + " ".join(ways) + "</nav>"
    legend = f'<p class="legend">{html.escape(dated(verdicts))}</p>' if verdicts is not None else ""
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>{html.escape(title)}</title><link rel="stylesheet" href="style.css"></head>\n<body>{top}<main>{body}{legend}</main>'
            f"<footer>{' '.join(ways)}</footer></body></html>\n")


def dated(verdicts):
    """Where a page's verdicts are from, in a sentence."""
    if not verdicts.date:
        return "This page was made without a report: refvi verify --json report.json, then refvi html --report report.json."
    stale = " Pages or modules have changed since: verify again." if verdicts.stale else ""
    return f"Verdicts of {verdicts.date}.{stale} {LEGEND}"


def contents():
    """The index: parts and chapters."""
    parts = []
    for part, names in PARTS.items():
        lines = "".join(f'<li><a href="{name}.html">{title_of(name)}</a></li>' for name in names)
        parts.append(f"<h2>{part}</h2><ul>{lines}</ul>")
    return f"<h1>refvi</h1><p>Every equals sign of these pages, checked by a computer.</p>{''.join(parts)}"


def title_of(name):
    """The heading of a chapter's page."""
    return html.escape(files.page(name).read_text(encoding="utf-8").splitlines()[0].lstrip("# "))


def what_is_open(verdicts):
    """Rows that nothing pins and items that are not settled, by chapter."""
    unpinned = [(page, chain, row) for (page, chain, row), verdict in verdicts.rows.items() if verdict.pinned.startswith("unpinned")]
    left = [item for item in slides.items() if not slides.settled(item)]
    told = ["<h1>What is open</h1>", f"<p>{len(left)} of the slides' items are not settled yet, and {len(unpinned)} segments are pinned by nothing.</p>"]
    for chapter in sorted({item["derivation"] for item in left}):
        mine = [item for item in left if item["derivation"] == chapter]
        lines = "".join(f"<li>{item['id']}: {html.escape(item.get('statement') or item['slide'])}</li>" for item in mine)
        told.append(f"<h2>{chapter}</h2><ul>{lines}</ul>")
    if unpinned:
        told.append("<h2>Unpinned</h2><ul>" + "".join(f'<li><a href="{page}.html">{page}</a>: {html.escape(chain)}, {row}</li>' for page, chain, row in unpinned) + "</ul>")
    return "".join(told)
