"""Data: toy sets, real sets, one gate for all arrays."""
