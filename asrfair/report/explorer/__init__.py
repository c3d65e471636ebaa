"""The explorer: what makes `report.html` more than a page to read, where a browser runs its script.

The page is whole without it. The script (`templates/explorer/*.js`, one element when the page is made, allowed by its
digest alone) adds a table of all numbers to sort, filter and take away, and, where transcripts were asked for, the
utterances behind a number, aligned word by word.

It has its utterances from a *source*: a block in the page (`block`), or a server of `asrfair view`, to which the page
is told where to look (`Served`). The contract of both, with every shape, stands at the top of
`templates/explorer/source.js`.
"""

from asrfair.report.explorer.block import Drill, Served, Transcripts, embedded
from asrfair.report.explorer.numbers import anchors, escaped, numbers_json
from asrfair.report.explorer.script import explorer_script, script_digest

__all__ = [
    "Drill",
    "Served",
    "Transcripts",
    "anchors",
    "embedded",
    "escaped",
    "explorer_script",
    "numbers_json",
    "script_digest",
]
