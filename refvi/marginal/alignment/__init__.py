"""Lexical alignment, IBM model 1: derivations/marginal/alignment.md."""
