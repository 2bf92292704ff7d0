"""Talk to a model over several turns, in the terminal or in a page: one conversation, one way to render it."""
