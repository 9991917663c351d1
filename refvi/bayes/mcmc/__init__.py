"""Posteriors by simulation: Markov chains that keep the posterior, exactly or nearly."""
