#!/usr/bin/env python
"""Django's command line for this project."""

import sys

from shortsproject.startup import configure, first_line


def main() -> None:
    configure()
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"The database can't be used: {first_line(error)}")


if __name__ == "__main__":
    main()
