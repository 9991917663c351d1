r"""How wide a page's rows are when typeset, in ems: `python -m tests.widths [CHAPTER ...]` lists those to be broken.

An approximation, from a table of widths of what stands side by side: letters and digits .5, capitals .7, a relation
with
its space 1.3, a binary operator 1.2, a named function its letters and a thin space; a fraction is as wide as its wider
half; scripts take .7 of their size, and those above and below a sum stand over one another. A row is centred: its
formula,
and on both sides room for its tag and an em of air.

Held once against 1,120 rows as KaTeX sets them: estimate over width has the median 1.02, and nine of ten lie between
.96
and 1.10.
"""
import re
import sys
from pathlib import Path

from refvi import CHAPTERS
from refvi.base import files
from refvi.verify.document import blocks, rows_of

WIDEST = 45.        # ems: a window of 720 pixels at 16 pixels an em
AIR = 1.            # between a formula and its tag
TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|[^\s]")
RELATIONS = {*"=<>:", *(r"\approx \le \ge \ne \leq \geq \neq \sim \to \in \propto \mapsto \mid \parallel".split())}
OPERATORS = {"+", "-", r"\cdot", r"\times", r"\pm", r"\circ", r"\odot", r"\otimes", r"\setminus"}
SPACES = {r"\,": .17, r"\;": .28, r"\:": .22, r"\!": -.17, r"\ ": .25, r"\quad": 1., r"\qquad": 2., "&": 0., "~": .25}
STACKED = {r"\sum": 1.44, r"\prod": 1.28, r"\max": 1.8, r"\min": 1.7, r"\lim": 1.4, r"\sup": 1.6, r"\inf": 1.4,
           r"\operatorname*": 0.}
WORDS = {r"\log", r"\exp", r"\sin", r"\cos", r"\tanh", r"\tan", r"\det", r"\arg", r"\ln", r"\Pr"}
TEXT = {r"\text", r"\mathrm", r"\textrm", r"\operatorname", r"\operatorname*", r"\mathtt", r"\texttt", r"\mathit"}
ACCENTS = set(r"\tilde \hat \bar \widehat \widetilde \overline \underline \vec \dot \boldsymbol \boxed".split())
WIDENED = {r"\mathbb": .1, r"\mathcal": .25, r"\mathbf": .25, r"\sqrt": .85, **dict.fromkeys(ACCENTS, 0.)}
NOTHING = {r"\left", r"\right", r"\middle", r"\displaystyle", r"\textstyle", r"\nonumber", r"\limits", r"\nolimits",
           *(rf"\{size}{side}" for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m"))}
NARROW, THIN = set("ijlI.,;'|!()[]"), .35


class Reader:
    """Reads LaTeX left to right, one group at a time."""

    def __init__(self, text):
        self.tokens, self.at = TOKEN.findall(text), 0

    def group(self):
        """The next group or token as text, without its braces."""
        if self.at >= len(self.tokens):
            return ""
        token = self.tokens[self.at]
        self.at += 1
        if token != "{":
            return token
        depth, start = 1, self.at
        while depth and self.at < len(self.tokens):
            depth += {"{": 1, "}": -1}.get(self.tokens[self.at], 0)
            self.at += 1
        return " ".join(self.tokens[start:self.at - 1])

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""


def width(text):
    """Width of a piece of LaTeX in ems."""
    reader, total = Reader(text), 0.
    while reader.at < len(reader.tokens):
        total += atom(reader)
    return total


def atom(reader):
    """Width of the next atom with its scripts."""
    token = reader.peek()
    base = nucleus(reader)
    over, under = scripts(reader)
    if token in STACKED:
        return max(base, over, under) + .17
    return base + max(over, under)


def scripts(reader):
    """Widths of what stands above and below."""
    size = {"^": 0., "_": 0.}
    while reader.peek() in size:
        mark = reader.group()
        size[mark] = .7 * width(reader.group()) + .05
    while reader.peek() == "'":
        reader.group()
        size["^"] += .3
    return size["^"], size["_"]


def nucleus(reader):
    """Width of the next atom without its scripts."""
    token = reader.peek()
    if token == "{":
        return width(reader.group())
    reader.at += 1
    if token in NOTHING:
        if reader.peek() == ".":
            reader.at += 1
        return 0.
    if token in (r"\frac", r"\tfrac", r"\dfrac", r"\binom"):
        size = .7 if token == r"\tfrac" else 1.
        return size * max(width(reader.group()), width(reader.group())) + .24
    if token in (r"\begin", r"\end"):
        reader.group()
        return 0.
    if token in (r"\underbrace", r"\overbrace", r"\underset", r"\overset"):
        return width(reader.group())
    if token in TEXT:
        name = reader.group()
        return .48 * len(name.replace(" ", "")) + (.17 if "operatorname" in token else 0.)
    if token in WIDENED:
        return width(reader.group()) + WIDENED[token]
    if token in SPACES:
        return SPACES[token]
    if token in STACKED:
        return STACKED[token]
    if token in WORDS:
        return .47 * (len(token) - 1) + .17
    if token in RELATIONS:
        return 1.33 if token != ":" else .83
    if token in OPERATORS:
        return 1.22
    if token.startswith("\\") and len(token) > 2:
        return .85 if token[1].isupper() or token == r"\nabla" else .55
    if token in NARROW:
        return THIN
    if token.isdigit():
        return .5
    if token.isupper() or token in "mw":
        return .75
    return .54


def rows(path):
    """(line, LaTeX) of every row of the page's align environments."""
    for kind, body, line in blocks(path.read_text(encoding="utf-8")):
        if kind == "math":
            yield from ((line + body.count("\n", 0, offset), row) for offset, row in rows_of(body))


def row_width(text):
    """Width in ems of a row: its widest line where it is broken inside split, with air and tag."""
    tag = re.search(r"\\tag\{([^}]*)\}", text)
    formula = re.sub(r"\\tag\{[^}]*\}|\\begin\{(align\*?|split|aligned)\}|\\end\{(align\*?|split|aligned)\}", "", text)
    lines = re.split(r"\\\\", formula)
    return max(map(width, lines)) + 2 * (.45 * (len(tag.group(1)) + 2) + AIR)


def wide(path, widest=WIDEST):
    """[(line, width)] of the rows that are wider."""
    found = [(line, row_width(text)) for line, text in rows(path)]
    return [(line, size) for line, size in found if size > widest]


if __name__ == "__main__":
    for name in sys.argv[1:] or CHAPTERS:
        for line, size in wide(files.page(name)):
            print(f"{Path(*files.page(name).parts[-2:])}:{line}: about {size:.0f} em")
