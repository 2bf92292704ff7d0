"""From a data set's shards to the batches that a model is given."""
