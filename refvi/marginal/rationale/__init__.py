"""Rationale extraction, sums over masks: derivations/marginal/rationale.md."""
