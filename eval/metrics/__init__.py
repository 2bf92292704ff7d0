"""Metrics of a prediction against its gold answer, in plain Python."""
