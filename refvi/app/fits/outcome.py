"""What a fit's report can hold besides lines of text."""


class Failure(str):
    """A line of a report that says what went wrong: the command then ends with status 1."""
