"""A distribution over the weights, and what it is worth."""
