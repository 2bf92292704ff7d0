"""The base of the errors whose message is meant for the terminal."""


class DataPrepError(Exception):
    """Something that was given is not usable: the message names it and says what to do."""
