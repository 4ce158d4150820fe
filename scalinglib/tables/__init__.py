"""Tables of runs as people have them: read, put into the law's columns, and doubted.

Nothing here fits, so that a bad table is answered before the fits are even imported.
"""

from scalinglib.tables.columns import RunsTable, TableError, read_runs
from scalinglib.tables.doubts import Doubt, doubts, open_doubts, refuse
from scalinglib.tables.scales import CONVERSIONS, converted

__all__ = [
    "CONVERSIONS",
    "Doubt",
    "RunsTable",
    "TableError",
    "converted",
    "doubts",
    "open_doubts",
    "read_runs",
    "refuse",
]
