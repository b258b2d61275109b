"""What Bridle raises.

::

    BridleError
    ├── DialError      (ValueError)  a number outside its bounds, or of the wrong type
    ├── RecipeError    (ValueError)  an unknown key or regularizer, a recipe that contradicts itself
    ├── ConventionError (ValueError) a strength that another library's convention cannot state, or that cannot be read
    ├── ScopeError     (ValueError)  a scope that matches nothing, or that cannot be read
    ├── DataError      (ValueError)  data that is missing, damaged or does not fit the question
    ├── ModelError     (ValueError)  a model that cannot be built, or whose output does not fit the targets
    ├── SearchError    (ValueError)  a search that cannot be run: nothing free, too small a budget, all failed
    ├── RunError       (ValueError)  a run folder that exists, is missing, unfinished or was tampered with
    ├── AuditError     (ValueError)  a training step that cannot be audited
    ├── MissingError   (ImportError) a package of one of Bridle's extras is missing or cannot be imported
    └── StorageError   (OSError)     the disk is full or cannot be written

Every message says what came, what is allowed and what to do.
"""


class BridleError(Exception):
    """The root of everything that Bridle raises on purpose; the command line turns it into exit status 2."""


class DialError(BridleError, ValueError):
    """A dial (a number of a regularizer or of the training) is out of bounds or not a number."""


class RecipeError(BridleError, ValueError):
    """A recipe has an unknown key, an unknown regularizer or contradicts itself."""


class ConventionError(BridleError, ValueError):
    """A strength cannot be read, or cannot be stated in the convention asked for."""


class ScopeError(BridleError, ValueError):
    """A scope matches no weight or place, or is not understood."""


class DataError(BridleError, ValueError):
    """Data is missing, damaged, or does not fit the question asked of it."""


class ModelError(BridleError, ValueError):
    """A model cannot be built, or its output does not fit the targets."""


class SearchError(BridleError, ValueError):
    """A search cannot be run or came to nothing."""


class RunError(BridleError, ValueError):
    """A run folder exists already, is missing, is unfinished or does not match its own record."""


class AuditError(BridleError, ValueError):
    """A training step cannot be audited: it takes no optimizer step, or needs a batch that was not given."""


class MissingError(BridleError, ImportError):
    """A package that one of Bridle's extras brings is not installed, or cannot be imported."""


class StorageError(BridleError, OSError):
    """Something could not be written: the disk is full, or the folder is not writable."""
