"""The evidence lower bound, mean field, coordinate ascent."""
