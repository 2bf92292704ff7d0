"""Evaluation: a finished checkpoint answers, the answers are scored, the scores become one report.

Each step hands the next a file: predictions (JSON Lines, append-only), scores.json, report.md. Scores need no
model, so they can be computed again at any time.
"""
