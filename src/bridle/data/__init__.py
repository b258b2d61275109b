"""Data: sources (one file each), preprocessing, folds and the sealed test set."""
