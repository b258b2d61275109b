"""The command line: one file per command, no logic."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """The command ``bridle``; it ends the process.

    The exit status is 0 for success, 2 for what the user can mend, 130 after Ctrl-C.

    Args:
        arguments: What is on the command line; by default the process's own.
    """
    try:
        from bridle.cli.application import application

        application(args=None if arguments is None else list(arguments), prog_name="bridle")
    except KeyboardInterrupt:
        sys.exit(130)
