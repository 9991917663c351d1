"""Supervised models: networks and maximum likelihood."""
