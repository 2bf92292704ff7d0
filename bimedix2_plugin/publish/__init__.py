"""A merged checkpoint on its way to the Hub: its model card, and the push."""
