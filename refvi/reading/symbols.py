"""The table of symbols, for whoever hovers over one, and each deck's own letters."""
import re
from xml.etree import ElementTree

from refvi.reading.typeset import mathml

FORMULA = re.compile(r"\$`([^`]+)`\$")
JOINS = {"msub": "_", "msup": "^"}


def symbols(home):
    """{form: [name, what it means, {deck: [its name there, its MathML]}]} of derivations/notation.md.

    A form is what script.js makes of a piece of MathML as well, so that the one is found under the other.
    """
    letters, meanings = {}, {}
    for part, head, cells in tables((home / "derivations" / "notation.md").read_text(encoding="utf-8")):
        own = heads(cells[0])
        for at, symbol in enumerate(own):
            if head[1] == "code":
                told = f"{part}{plain(cells[2])} ({plain(cells[1])}{', ' * bool(cells[3])}{plain(cells[3])})"
                meanings.setdefault(form(symbol), (symbol, []))[1].append(told)
            elif len(own) == len(FORMULA.findall(cells[0].partition(" in ")[0])):       # what is one in many has none
                theirs = {deck: heads(cell)[at:at + 1] for deck, cell in zip(head[1:], cells[1:])}
                told = {deck: [said(one), written(one)] for deck, found in theirs.items() for one in found}
                letters.setdefault(form(symbol), told)
    found = {key: [said(symbol), "; ".join(told), letters.get(key, {})] for key, (symbol, told) in meanings.items()}
    bare = {form(symbol[0]): found[key] for key, (symbol, _) in meanings.items() if symbol.tag == "msub"}
    return {key: [name, told, {}] for key, (name, told, _) in bare.items()} | found


def tables(text):
    """(for which part alone, head, cells) of every row of the tables of a page."""
    head, part = None, ""
    for line in text.splitlines():
        found = re.fullmatch(r"(?:On every page|In the part `(\w+)` only):", line)
        if found:
            part = f"in {found.group(1)}, " if found.group(1) else ""
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not cells:
            head = None
        elif head is None:
            head = cells
        elif not cells[0].startswith("--"):
            yield part, head, cells


def heads(cell):
    """The symbols that a cell names: of `f(x), y` the f and the y, of a word like ELBO the word."""
    if re.fullmatch("[A-Z]+", cell):
        return [ElementTree.fromstring(f"<mi>{cell}</mi>")]
    return [head for latex in FORMULA.findall(cell.partition(" in ")[0]) for head in heads_of(tree(latex))]


def heads_of(root):
    """The first symbol of each part of a formula, where commas and semicolons outside of brackets part it."""
    depth, fresh, pieces = 0, True, flat(root)
    for piece in pieces:
        text = piece.text or ""
        if piece.tag == "mo":
            depth += (text in "([") - (text in ")]")
            fresh = fresh or depth == 0 and text in ",;"
        elif fresh and text != "log":
            fresh = False
            yield piece


def tree(latex):
    """The root of a formula's MathML, without its annotation."""
    text = mathml(latex).replace("&ApplyFunction;", "\u2061")
    return ElementTree.fromstring(text)[0][0]


def flat(root):
    """The elements of a formula, rows dissolved and spaces left out."""
    if root.tag != "mrow":
        return [] if root.tag == "mspace" else [root]
    return [piece for part in root for piece in flat(part)]


def form(element):
    """How a piece of MathML is built: x is x, its square msup(x,2), an upright d normal:d."""
    parts = [part for part in element if part.tag != "mspace"]
    if not parts:
        return "normal:" * ("mathvariant" in element.attrib) + (element.text or "")
    inside = ",".join(map(form, parts))
    return inside if element.tag == "mrow" and len(parts) == 1 else f"{element.tag}({inside})"


def said(element):
    """A symbol in a line of words: q_λ."""
    parts = [said(part) for part in element if part.tag != "mspace"]
    return JOINS.get(element.tag, "").join(parts) if parts else element.text or ""


def written(element):
    """A symbol as MathML."""
    return ElementTree.tostring(element, encoding="unicode")


def plain(text):
    """A cell in words: formulas as their letters, code as it is."""
    return FORMULA.sub(lambda found: said(tree(found.group(1))), text).replace("`", "")
