"""Tables of numbers as people keep them: text in UTF-8, one row a line, columns apart by blanks, commas or semicolons.
"""
import re

import numpy as np

from refvi.base.files import text_of

MISSING = {"", "?", "NA", "N/A", "nan", "NaN", "null", "None", "-"}


def read_table(path):
    """The numbers of a file (N, D), at least one row; ValueError names the line and says what to do."""
    lines = [(number, line.strip()) for number, line in enumerate(text_of(path).splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not lines:
        raise ValueError(f"{path} holds no rows: it is empty, copy it again")
    rows = [row_of(path, number, line) for number, line in lines]
    width = len(rows[0])
    for (number, _), row in zip(lines, rows):
        if len(row) != width:
            raise ValueError(f"{path}:{number}: {len(row)} values, but line {lines[0][0]} has {width}: "
                             "every row needs one value for each column")
    return np.array(rows)


def row_of(path, number, line):
    """The numbers of one line."""
    apart = next((mark for mark in (";", ",", "\t") if mark in line), None)
    words = [word.strip() for word in line.rstrip(",;").split(apart)] if apart else line.split()
    return [number_of(path, number, column, word) for column, word in enumerate(words)]


def number_of(path, number, column, word):
    """One finite number."""
    if word in MISSING:
        raise ValueError(f"{path}:{number}: the value of column {column} is missing ({word or 'empty'!r}): "
                         "drop the row or fill the value in")
    try:
        value = float(word)
    except ValueError:
        raise ValueError(f"{path}:{number}: {word!r} in column {column} is no number: {remedy(word)}") from None
    if not np.isfinite(value):
        raise ValueError(f"{path}:{number}: the value of column {column} is {word}: drop the row or fill the value in")
    return value


def remedy(word):
    """What to do about a word that is no number."""
    if re.fullmatch(r"[-+]?\d+,\d+", word):
        return "write decimals with a point"
    return "take a header or words out, or begin their line with #"


def read_indices(path, below=None):
    """Whole numbers from zero (K,), one or more a line; below: how many columns or rows they point into."""
    values = read_table(path).ravel()
    wrong = values[(values != np.rint(values)) | (values < 0)]
    if len(wrong):
        raise ValueError(f"{path}: {wrong[0]:g} is no index: indices are whole numbers counted from 0")
    if below is not None and values.max() >= below:
        raise ValueError(
            f"{path}: index {values.max():.0f} is beyond the last, {below - 1}: indices are counted from 0"
        )
    return values.astype(int)
