"""Metrics of a prediction against its reference answer, in plain Python."""
