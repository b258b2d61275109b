"""Settings of a recipe as parameters of an estimator."""


def address(name: str) -> str:
    """``recipe__l2__strength`` as the recipe has it: ``l2.strength``."""
    return name.removeprefix("recipe__").replace("__", ".")
