"""Evaluation: a finished checkpoint -> predictions -> scores -> one report.

Each step writes a file for the next: predictions (append-only JSON Lines), scores.json, report.md. Scoring needs no
model, so scores can be recomputed at any time.
"""
