"""From a model and its constraints to a fit."""
