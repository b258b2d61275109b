"""A loop of one's own that never adds ``model.losses``."""

from collections.abc import Iterator

import keras

from bridle.auditing.keras import losses_left_out as left_out
from bridle.integrations.keras.observed import Observed
from bridle.integrations.keras.tried import tried
from bridle.records import Finding


def losses_left_out(observed: Observed) -> Iterator[Finding]:
    """Runs the step that was given, and follows what it gives the optimizer back through its backward pass."""
    if observed.step is not None:
        for variables, felt in tried(observed.model, observed.step):
            yield from left_out.look(keras, variables, felt)
