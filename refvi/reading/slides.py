"""Slide by slide: what a deck states, in its order, and the rows and pictures that settle it."""
import html
import re
from itertools import groupby

from refvi import CHAPTERS
from refvi.base import decks
from refvi.reading.page import framed
from refvi.reading.typeset import mathml
from refvi.reading.verdicts import SIGNS, WORDS

LETTERS = dict(alpha="α", beta="β", gamma="γ", eps="ε", mu="μ", omega="ω", phi="φ", pi="π", rho="ρ", sigma="σ",
               tau="τ", theta="θ", grad="∇", sqrt="√") | {"lambda": "λ"}


def deck_page(deck, items, site):
    """The HTML of one deck's page."""
    mine, wrong = [item for item in items if item["deck"] == deck], errata(site.home)
    done = sum(map(decks.settled, mine))
    parts = [f"<h1>{html.escape(decks.DECKS[deck])}</h1>",
             f"<p>{len(mine)} statements, figures and tasks, {done} of them settled.</p>",
             "<p>The arrow keys lead from slide to slide.</p>"]
    for title, group in groupby(mine, key=lambda item: item["slide"]):
        shown = {}
        told = "".join(one_item(item, wrong.get(item["id"], ()), site, shown) for item in group)
        parts.append(f'<section class="slide" tabindex="-1"><h2>{with_indices(title)}</h2>{told}</section>')
    return "".join(parts)


def one_item(item, wrong, site, shown):
    """What a slide states, where that is checked, and what is wrong with it.

    shown: {figure: item of this slide that shows it already}, which grows.
    """
    told = f'<span class="tag">{item["id"]}, {item["kind"]}</span> {with_indices(item["statement"])}'
    parts = [f'<div class="item" id="{item["id"]}"><p>{told}</p>']
    parts += [f'<p class="erratum"><b>Erratum.</b> {to_items(inline(text))}</p>' for text in wrong]
    places = decks.places(item)
    if not places:
        parts.append(f'<p class="legend">{html.escape(item["status"])}</p>')
    rows = [row_line(chapter, name, site) for kind, chapter, name in places if kind == "row"]
    parts += [f"<ul>{''.join(rows)}</ul>"] if rows else []
    parts += [picture(chapter, name, site, shown.setdefault(name, item["id"]), item["id"])
              for kind, chapter, name in places if kind == "figure"]
    parts += [f"<p><code>refvi fit {name}</code></p>" for kind, _, name in places if kind == "fit"]
    return "".join(parts) + "</div>"


def with_indices(text):
    """A statement with x_n and sigma^2 in plain letters, its Greek, indices and powers set as such."""
    text = re.sub(rf"(?<![A-Za-z])({'|'.join(LETTERS)})(?![A-Za-z])", lambda name: LETTERS[name[0]], text)
    return re.sub(r"\^(\d+)", r"<sup>\1</sup>", re.sub(r"_(\w+)", r"<sub>\1</sub>", html.escape(text)))


def to_items(text):
    """HTML in which an item that is named leads to its slide."""
    return re.sub(rf"\b({'|'.join(decks.DECKS)})\.\d+\b", r'<a href="deck_\1.html#\g<0>">\g<0></a>', text)


def picture(chapter, name, site, first, here):
    """A figure that settles the item here, which leads to its page; below another item of the slide, a link there."""
    told = name.replace("_", " ")
    if first != here:
        return f'<p class="legend">Picture: <a href="#{first}">{told}</a>, above.</p>'
    room = site.room(site.picture(name))
    size = " ".join(f'{side}="{pixels}"' for side, pixels in room.items())
    image = framed(f'<img loading="lazy" alt="{told}" src="{site.picture(name)}" {size}>', room)
    return f'<p><a href="{chapter}.html">{image}</a></p>' if chapter in CHAPTERS else f"<p>{image}</p>"


def row_line(chapter, tag, site):
    """A row that settles an item, with its verdict."""
    key = next(key for key in site.ids if key[0] == chapter and key[2] == tag)
    kind = site.report.verdict(key).kind
    return (f'<li><a href="{site.row(key)}">{tag}</a> in {chapter.replace("_", " ")} '
            f'<span class="{kind.lower()}">{SIGNS[kind]} {WORDS[kind]}</span></li>')


def errata(home):
    """{item: its errata} of derivations/errata.md."""
    found = {}
    for line in (home / "derivations" / "errata.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for item in re.findall(r"\b[A-Z]+\.\d+\b", cells[0]) if len(cells) == 3 else ():
            found.setdefault(item, []).append(cells[1])
    return found


def inline(text):
    """A sentence of Markdown that holds nothing but words and formulas."""
    parts = re.split(r"\$`([^`]+)`\$", text)
    return "".join(mathml(part) if at % 2 else html.escape(part.replace("`", "")) for at, part in enumerate(parts))
