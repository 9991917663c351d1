"""LaTeX as MathML, by math-core: one function, so that another typesetter could take its place."""
import re

from math_core import LatexError, LatexToMathML

CONVERTER = LatexToMathML(annotation=True)
UNKNOWN = ((r"\\(begin|end)\{split\}", r"\\\1{aligned}"),
           (r"\\substack\{((?:[^{}]|\{[^{}]*\})*)\}", r"\\begin{matrix}\1\\end{matrix}"),
           (r"(?<!\\)((?:\\\\)*)\\\n", r"\1 "))      # a backslash before the end of a line is a space


def mathml(latex, display=False):
    """A formula as a <math> element, its LaTeX kept inside as an annotation; ValueError for LaTeX that is not known."""
    for pattern, written in UNKNOWN:
        latex = re.sub(pattern, written, latex)
    try:
        return CONVERTER.convert_with_local_state(latex.strip(), displaystyle=display)
    except LatexError as error:
        told = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().splitlines()[0]
        raise ValueError(f"cannot typeset {latex.strip()!r}: {told}") from None
