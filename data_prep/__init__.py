"""Build datasets from sources: one row contract, one image store, one ledger. Independent of models and tokens."""
