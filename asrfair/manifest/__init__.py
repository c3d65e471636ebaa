"""The manifest room: rows and `dataset.toml` are read and checked at the door, and who is in them is counted.

>>> from asrfair.manifest import parse_by
>>> gender = Attribute(kind="demographic", provenance="self_reported")
>>> parse_by([], {"gender": gender})
[('gender',)]
"""

from asrfair.manifest.coverage import Coverage, GroupCoverage, coverage
from asrfair.manifest.dataset import Attribute, Dataset
from asrfair.manifest.groups import group_column, groupable, observed_groups, parse_by
from asrfair.manifest.load import load_manifest
from asrfair.manifest.manifest import Manifest
from asrfair.manifest.notes import CoverageNote

__all__ = [
    "Attribute",
    "Coverage",
    "CoverageNote",
    "Dataset",
    "GroupCoverage",
    "Manifest",
    "coverage",
    "group_column",
    "groupable",
    "load_manifest",
    "observed_groups",
    "parse_by",
]
