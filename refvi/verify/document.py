"""From a Markdown page to chains of rows: what the page claims, and where it is not written so that it can be checked.

A chain is an align environment in a ```math fence. Each of its rows ends in one \\tag{words in lower case}; the first
row has no relation, every other begins with exactly one. At most one row is a slip (\\ne), and below it stand only =
and \\approx. Relations count only at depth 0 of braces, brackets and environments.
"""
import keyword
import re
from pathlib import Path
from typing import NamedTuple

from refvi.base.files import text_of

RELATIONS = {"=": "=", r"\approx": r"\approx",
             r"\le": r"\le", r"\leq": r"\le", r"\leqslant": r"\le",
             r"\ge": r"\ge", r"\geq": r"\ge", r"\geqslant": r"\ge",
             r"\ne": r"\ne", r"\neq": r"\ne"}
UNCHECKED = {
    *"<>⁼₌⇒⇔∝≂≃≅≈≊≐≑≒≓≔≕≗≙≛≜≝≞≟≠≡≤≥≪≫≲≳═⟹⟺⩵⩶⩽⩾⹀゠꞊﹦＝",
    *(r"\Leftrightarrow \Longleftrightarrow \Longrightarrow \Rightarrow \approxeq \asymp \cong \doteq "
      r"\eqqcolon \equiv \geqq \gg \gt \gtrsim \iff \impliedby \implies \leqq \lesssim \ll \lt \mathrel "
      r"\ngeq \ngtr \nleq \nless \not \overset \preceq \propto \simeq \stackrel \succeq \symbol \triangleq "
      r"\underset \unicode").split(),
}
DEFINES = {":=", r"\coloneqq"}
OPENLY = re.compile(
    r"\\(begin|end)\s*\{(split|(align|gather|alignat)(ed|\*)?|equation\*?|multline\*?|flalign\*?|eqnarray\*?"
    r"|array|subequations"
    r"|[pbBvV]?(matrix|smallmatrix)\*?)\}|\\left\s*\."
)
PLAIN = (r"\\(?:[hv]?(?:space|phantom)\*?|(?:text)?color|(?:color|par|raise|rotate|scale)box)\s*\{[^}]*\}"
         r"|\\(?:boxed|boldsymbol|bm|pmb|smash|operatorname\*?|substack|text[a-z]*|[mhf]box|[bx]?cancel|[rlc]lap"
         r"|(?:under|over)(?:brace|line)|math(?!rel)[a-z]+)(?![a-zA-Z])")

TOKEN = re.compile(
    r"(?P<env>\\(?:begin|end)\s*\{[^}]*\})|(?P<fence>\\(?:left|right)(?![a-zA-Z])\s*(?:\\[a-zA-Z]+|\\?.))"
    r"|(?P<newline>\\\\\*?(?:\[[^\]]*\])?)|(?P<command>\\[a-zA-Z]+|\\.)|(?P<define>:=)|(?P<char>\S)",
    re.S,
)
OPEN = {"{", "[", "(", r"\{", r"\lbrace", r"\lbrack"}
CLOSE = {"}", "]", ")", r"\}", r"\rbrace", r"\rbrack"}
SPACE = {"&", r"\quad", r"\qquad", r"\,", r"\;", r"\:", r"\!", r"\ ", "~"}
TAG = re.compile(r"[a-z][a-z0-9]*( [a-z0-9]+)*")


class Fault(Exception):
    """Something a reader has to mend: what is wrong, and what to do."""

    def __init__(self, message, remedy, line=None):
        super().__init__(message, remedy, line)
        self.message, self.remedy, self.line = message, remedy, line

    def __str__(self):
        return f"{self.message}: {self.remedy}"


class Refusal(Fault):
    """A ValueError of a row: it was asked for what it does not do."""


class Row(NamedTuple):
    tag: str                    # words, as in \\tag{expected score}
    relation: str               # one of RELATIONS' values, "" for the first row
    line: int
    fault: Fault | None = None

    @property
    def function(self):
        return self.tag.replace(" ", "_")


class Chain(NamedTuple):
    name: str                   # the heading above it
    line: int
    rows: tuple


class Document(NamedTuple):
    path: Path
    chains: tuple
    faults: tuple               # what stands outside the chains and cannot be checked


class Token(NamedTuple):
    text: str
    offset: int
    depth: int                  # of braces, brackets and environments around it
    hidden: int                 # the same, without what displays claims like any other row: split, aligned, bare braces
    step: int                   # 1 if it opens one, -1 if it closes one


def tokens(text):
    """The tokens of a piece of LaTeX."""
    depth, hides, last = 0, [], ""
    for match in TOKEN.finditer(text):
        token, kind = match.group(), match.lastgroup
        opens = token in OPEN or kind in ("env", "fence") and bool(re.match(r"\\(begin|left)", token))
        closes = token in CLOSE or kind in ("env", "fence") and not opens
        if closes:
            depth -= 1
            hides = hides[:-1]
        yield Token(token, match.start(), depth, sum(hides), opens - closes)
        if opens:
            depth += 1
            bare = token == "{" and not (last in ("_", "^", "}", "]") or re.fullmatch(r"\\[a-zA-Z]+", last))
            hides = hides + [not (bare or OPENLY.match(token))]
        last = token


def bared(text):
    """The text with all blanked that claims nothing itself, so that offsets stay: comments, spacing, and the names of
    what only decorates a group.
    """
    return re.sub(r"(\\%|\\\\)|%[^\n]*|" + PLAIN, lambda m: m.group(1) or re.sub(r"[^\n]", " ", m.group()), text)


def read(path):
    """The chains and the faults of one Markdown page."""
    path = Path(path)
    text = text_of(path)
    chains, faults, heading, taken = [], [], path.stem.replace("_", " "), {}
    for kind, body, line in blocks(text):
        if kind == "heading":
            heading = body
            continue
        if kind == "text":
            if re.match(r"\s*(>|[-*+]\s|\d+[.)]\s)[\s>]*(`{3}|~{3})", body):
                faults.append(
                    Fault("a fence inside a list or a quotation", "begin it on a line of its own, it is not read here",
                          line)
                )
            body = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", " ", body)  # code spans
            faults += [Fault(f"a displayed formula in {shown}",
                             "put it into a ```math fence: GitHub passes only those through verbatim", line)
                       for mark, shown in ((r"\begin{align", r"\begin{align}"), ("$$", "$$")) if mark in body]
            continue
        body = bared(body)
        pieces = re.split(r"(\\begin\{align\*?\}.*?\\end\{align\*?\})", body, flags=re.S)
        for piece in pieces:
            if re.match(r"\\begin\{align", piece):
                taken[heading] = taken.get(heading, 0) + 1
                name = heading if taken[heading] == 1 else f"{heading} ({taken[heading]})"
                rows = read_rows(piece, line)
                chains.append(Chain(name, line, rows))
                if len(rows) < 2:
                    faults.append(
                        Fault(f"a chain of {len(rows)} rows", "give it at least two: there is nothing to compare", line)
                    )
            else:
                faults += definitions(piece, line)
            line += piece.count("\n")
    if not chains:
        faults.append(Fault("no chain to verify",
                            r"write one as an align environment in a ```math fence, each row with its \tag{...}", 1))
    return Document(path, tuple(chains), tuple(faults))


def blocks(text):
    """(kind, body, line) of the page's headings, math fences and other lines, in order; code fences are skipped."""
    fence, start, body = None, 0, []
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r"\s*(`{3,}(?=[^`]*$)|~{3,})\s*(\S*)", line)
        if fence is None and mark:
            fence, language, start, body = mark.group(1), mark.group(2).lower(), number + 1, []
        elif fence is not None and re.match(rf"\s*{fence}{fence[0]}*\s*$", line):
            if language == "math":
                yield "math", "\n".join(body), start
            fence = None
        elif fence is not None:
            body.append(line)
        elif re.match(r"#+ ", line):
            yield "heading", line.lstrip("#").strip(), number
        else:
            yield "text", line, number
    if fence is not None and language == "math":
        yield "math", "\n".join(body), start


def definitions(text, line):
    """Faults of a displayed block outside align, which may define (:=) but not claim."""
    for token, offset, _, hidden, _ in tokens(text):
        at = line + text.count("\n", 0, offset)
        if token.startswith(r"\tag"):
            yield Fault(
                r"a \tag outside align", "only rows of an align environment are checked: put the row into one", at
            )
        elif hidden == 0 and (token in RELATIONS or token in UNCHECKED):
            yield Fault(f"{token} in a displayed block without rows",
                        r"write := for a definition, or an align environment whose rows have tags", at)


def rows_of(text):
    """(offset, LaTeX) of every row of the align environments in a math fence, without the space around it."""
    for found in re.finditer(r"\\begin\{align\*?\}(.*?)\\end\{align\*?\}", text, re.S):
        inside = found.group(1)
        cuts = [token for token in tokens(inside) if token.depth == 0 and token.text.startswith("\\\\")]
        starts = [0, *(cut.offset + len(cut.text) for cut in cuts)]
        for start, stop in zip(starts, [*(cut.offset for cut in cuts), len(inside)]):
            row = inside[start:stop]
            if row.strip():
                yield found.start(1) + start + len(row) - len(row.lstrip()), row.strip()


def read_rows(text, line):
    """The rows of one align environment; what cannot be checked carries its fault."""
    rows, seen = [], set()
    for offset, body in rows_of(text):
        at = line + text.count("\n", 0, offset)
        row = read_row(body, at, first=not rows)
        if row.fault is None and row.tag in seen:
            row = row._replace(fault=Fault(f"the tag {{{row.tag}}} stands twice in one chain",
                                           "give each row a name and a function of its own", at))
        if (row.fault is None and row.relation not in ("=", r"\approx")
            and any(other.relation == r"\ne" for other in rows)):
            row = row._replace(fault=Fault(f"{row.relation} below a slip",
                                           r"below a \ne only = and \approx say what the slip computes: "
                                           "move this row above it, or into a chain of its own", at))
        seen.add(row.tag)
        rows.append(row)
    return tuple(rows)


def read_row(text, line, first):
    """One row: its tag, its relation, or why it has none."""
    found, relations, leads = list(tokens(text)), [], None
    tag = re.search(r"\\tag\s*\{([^}]*)\}", text)
    for token, offset, _, hidden, _ in found:
        if hidden == 0 and (token in RELATIONS or token in UNCHECKED or token in DEFINES):
            relations.append(token)
            before = [other.text for other in found
                      if other.offset < offset and other.text not in SPACE and other.text not in "{}"]
            leads = not before if leads is None else leads
    name = tag.group(1).strip() if tag else ""
    relation = RELATIONS.get(relations[0], "") if relations else ""

    def fault(message, remedy):
        return Row(name or f"row of line {line}", relation, line, Fault(message, remedy, line))

    if len(re.findall(r"\\tag\b", text)) != 1:
        return fault("a row without a tag" if not tag else "a row with two tags",
                     r"end every row with one \tag{name of its function}; break a long row inside \begin{split}, "
                     "without a second relation")
    if not TAG.fullmatch(name):
        return fault(
            f"the tag {{{name}}} is not a name", "use lower-case words and digits, which become the function's name"
        )
    if keyword.iskeyword(name):
        return fault(f"the tag {{{name}}} is a word of Python's own", "add a word to it")
    if sum(token.step for token in found) or any(token.depth < 0 for token in found):
        return fault("brackets that do not match", "close what is opened inside one row; give intervals both ends")
    unchecked = [token for token in relations if token not in RELATIONS]
    if unchecked:
        return fault(f"{unchecked[0]} is no relation the checker knows", r"use =, \approx, \le, \ge or \ne")
    if first and relations:
        return fault(f"the first row has a relation ({relations[0]})",
                     "the first row only names what the chain is about: move the rest to a row of its own")
    if not first and not relations:
        return fault(
            "a row without a relation", r"begin it with one of =, \approx, \le, \ge, \ne outside braces and brackets"
        )
    if len(relations) > 1:
        return fault(
            f"a row with {len(relations)} relations ({' '.join(relations)})", "give each its own row, tag and function"
        )
    if relations and not leads:
        return fault(f"the relation {relations[0]} does not lead its row", "begin the row with it")
    return Row(name, relation, line)
