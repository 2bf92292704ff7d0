"""The one error of this package whose message is meant for the person at the terminal."""


class EvalError(ValueError):
    """Something that was given is not usable: the message names it and says what to do."""
