"""The rows of a page with their LaTeX, and the sentences of the list beneath a chain."""
import re
from typing import NamedTuple

from refvi.verify.document import tokens


class Piece(NamedTuple):
    """One row of an align environment."""
    tag: str
    relation: str               # as it is written, with what stands before it taken away
    latex: str                  # the whole row, relation included
    line: int                   # in the page


def pieces(body, line):
    """The rows of the align environment that `body` holds, which begins in this line of the page."""
    found = re.search(r"\\begin\{align\*?\}(.*?)\\end\{align\*?\}", body, re.S)
    text = found.group(1)
    cuts = [token for token in tokens(text) if token.depth == 0 and token.text.startswith("\\\\")]
    starts = [0, *(cut.offset + len(cut.text) for cut in cuts)]
    for start, stop in zip(starts, [*(cut.offset for cut in cuts), len(text)]):
        row = text[start:stop]
        tag = re.search(r"\\tag\s*\{([^}]*)\}", row)
        if tag:
            before = found.start(1) + start + len(row) - len(row.lstrip())
            latex = row[:tag.start()] + row[tag.end():]
            latex = latex.strip() if r"\begin" in latex else re.sub(r"(?<!\\)&", "", latex).strip()
            latex = latex.lstrip("&").strip()
            relation = re.match(r"(=|\\approx|\\leq?|\\geq?|\\neq?)(?![a-zA-Z])", latex)
            yield Piece(tag.group(1).strip(), relation.group() if relation else "", latex, line + body.count("\n", 0, before))
