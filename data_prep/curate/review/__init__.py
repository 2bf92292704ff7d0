"""Review of a curated dataset by people: a page, their verdicts, how far they agree, and the dataset without errors."""
