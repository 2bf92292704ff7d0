"""What a check finds in a draft."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        check: the name of the check, which is a ledger reason in data_prep.rows.REASONS.
        detail: what is wrong, in words that a model can be told.
    """

    check: str
    detail: str
