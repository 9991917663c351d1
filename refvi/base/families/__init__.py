"""Distributions, one row of facts each."""
