"""The explorer of a run too large for one page: an index, the answers from it, and a server of this machine alone.

What is asked and answered is the contract at the top of `report/templates/explorer/source.js`: the same page has the
same rows from here as from the block inside it. DuckDB keeps the index in one file and filters it; an alignment is made
for the rows that are shown and for no others. The room is given its texts, its way to align and its sounds by
`pipeline`, and knows neither manifest nor engine.
"""

from asrfair.view.answers import Answers
from asrfair.view.index import About, CellRows, IndexWriter, SharedAttribute, check_installed
from asrfair.view.server import Server, Sounds

__all__ = ["About", "Answers", "CellRows", "IndexWriter", "Server", "SharedAttribute", "Sounds", "check_installed"]
