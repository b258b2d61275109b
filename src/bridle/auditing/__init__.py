"""The audit: what regularization really does in a training step, measured on the user's own model and step."""
