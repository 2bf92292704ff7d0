"""From a dataset's shards to training batches."""
