"""Fits on real data, one file each: `refvi fit NAME`."""
