"""Tables of runs as people have them: read, put into the law's columns, and doubted.

Nothing here fits, so that a bad table is answered before the fits are even imported.
"""

from scalinglib.doubts import Doubt, doubts
from scalingplan.tables.columns import RunsTable, TableError, read_runs
from scalingplan.tables.scales import CONVERSIONS, converted, open_doubts, refuse

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
