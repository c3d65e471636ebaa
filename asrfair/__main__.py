"""`python -m asrfair` is the command `asrfair`."""

from asrfair.cli import main

if __name__ == "__main__":
    main()
