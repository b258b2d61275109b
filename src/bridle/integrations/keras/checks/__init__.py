"""What the audit of a Keras model looks for: one check, one file."""
