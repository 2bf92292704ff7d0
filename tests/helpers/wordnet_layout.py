"""A WordNet of two words, in the files that WordNet's own programs read."""

NOUN = "00000000 06 n 02 car 0 auto 0 000 | a vehicle\n"


def make(folder):
    """Write it: "car" and "auto" are synonyms."""
    folder.mkdir(parents=True)
    for part in ("adj", "adv", "noun", "verb"):
        for name in (f"data.{part}", f"index.{part}", f"{part}.exc"):
            (folder / name).write_text("")
    (folder / "data.noun").write_text(NOUN)
    index = "".join(f"{word} n 1 0 1 0 00000000\n" for word in ("auto", "car"))
    (folder / "index.noun").write_text(index)
    return folder
