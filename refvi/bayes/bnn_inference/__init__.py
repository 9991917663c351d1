"""Posteriors over weights by optimisation: derivations/bayes/bnn_inference.md."""
