"""The catalogue of regularizers: one folder per point of the training step, one file per regularizer."""
