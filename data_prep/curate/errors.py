"""The error of a step of curation."""


class CurateError(RuntimeError):
    """A step that cannot be run, or not to its end; the message says what to do. Kept replies stay."""
