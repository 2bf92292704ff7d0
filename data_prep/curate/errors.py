"""The error of a step of curation."""

from data_prep.errors import DataPrepError


class CurateError(DataPrepError, RuntimeError):
    """A step that cannot be run, or not to its end; the message says what to do. Kept replies stay."""
