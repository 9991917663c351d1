"""Neural networks with a prior on their weights: derivations/bayes/bayesian_nn.md."""
