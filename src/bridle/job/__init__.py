"""The whole job: load, split, search, refit, test, report."""
