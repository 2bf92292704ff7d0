"""Scores and predictions -> one report as Markdown, HTML and JSON, and the short table of the terminal."""
