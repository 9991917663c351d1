"""Automatic variational inference: derivations/programs/automatic.md."""
