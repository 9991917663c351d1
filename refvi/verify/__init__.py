"""Read a derivation, play its rows, report: the checker behind `refvi verify`."""
