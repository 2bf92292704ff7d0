"""Answers graded by a language model: instructions, the judge, its verdicts, and the grades in them."""
