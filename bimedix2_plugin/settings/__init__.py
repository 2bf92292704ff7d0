"""Axolotl's settings on this project's path: their names, and a verdict on each."""
