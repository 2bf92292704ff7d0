"""Checks and repairs of text, English and Arabic."""
