"""Engines: what turns prompts into answers, behind one protocol."""
