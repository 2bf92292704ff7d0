"""The error of a review."""

from data_prep.curate.errors import CurateError


class ReviewError(CurateError):
    """A review that cannot be run; the message says what to do. Verdicts that were given stay."""
