"""The audit: what a training really does, established on the user's own model, step and script."""
