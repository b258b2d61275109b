"""The training step, the optimizers' metrics and the training of one member."""
