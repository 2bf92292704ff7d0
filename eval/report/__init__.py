"""Scores and predictions -> one Markdown report with figures, and the short table of the terminal."""
