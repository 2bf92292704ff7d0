"""Word lists, written as text with blanks between the words."""


def listed(words: str) -> list[str]:
    """The words of a list."""
    return words.split()
