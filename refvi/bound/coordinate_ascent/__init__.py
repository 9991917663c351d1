"""Coordinate ascent: derivations/bound/coordinate_ascent.md."""
