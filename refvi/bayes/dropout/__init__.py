"""Dropout as variational inference: rows, divergences, networks, and weights that switch off."""
