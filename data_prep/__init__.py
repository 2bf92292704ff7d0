"""Sources to shards: one row contract, one image store, one ledger. Knows nothing of models or tokens."""
