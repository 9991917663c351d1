"""The table of symbols, for whoever hovers over one."""
import re

from refvi.reading.typeset import mathml

SYMBOL = re.compile(r"\$`([^`]+)`\$")


def symbols(home):
    """{letter: [what it means, {deck: its letter there}]} of derivations/notation.md, for symbols of one letter."""
    letters, meanings = {}, {}
    for part, head, cells in tables((home / "derivations" / "notation.md").read_text(encoding="utf-8")):
        letter = glyph(cells[0])
        if letter and head[1] == "code":
            told = f"{part}{plain(cells[2])} ({plain(cells[1])}{', ' * bool(cells[3])}{plain(cells[3])})"
            meanings.setdefault(letter, []).append(told)
        elif letter and head[1] in ("WI", "UA"):
            letters[letter] = {deck: glyph(cell) for deck, cell in zip(head[1:], cells[1:]) if glyph(cell)}
    return {letter: ["; ".join(told), letters.get(letter, {})] for letter, told in meanings.items()}


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


def glyph(cell):
    """The letter that a cell holds; "" for any other content."""
    found = SYMBOL.fullmatch(cell)
    pattern = r"<math><semantics><mi[^>]*>(.)</mi><annotation.*"
    letter = re.fullmatch(pattern, mathml(found.group(1))) if found else None
    return letter.group(1) if letter else ""


def plain(text):
    """A cell in words: formulas as their letters, code as it is."""
    def letters(found):
        return re.sub(r"<annotation.*?</annotation>|<[^>]+>", "", mathml(found.group(1)))
    return SYMBOL.sub(letters, text).replace("`", "")
