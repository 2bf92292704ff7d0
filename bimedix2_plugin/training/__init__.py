"""What each stage trains, and the trainer that does it."""
