"""Which runs to train next: pilots chosen by what they would decide, at what they cost.

`Worlds` are the laws that the evidence leaves open: an ensemble, the replicates of a fit, or what a
prior and few runs leave (`posterior`). A question is a loss to foretell (`Foretell`) or a choice
(`Choice`); `propose` says which runs would most narrow its answer for a budget, and when to stop.
"""

from scalingplan.pilots.choose import CHANGES, Proposal, grid, propose
from scalingplan.pilots.priors import Prior, posterior
from scalingplan.pilots.questions import Choice, Foretell
from scalingplan.pilots.worlds import Discrepancy, Worlds

__all__ = [
    "CHANGES",
    "Choice",
    "Discrepancy",
    "Foretell",
    "Prior",
    "Proposal",
    "Worlds",
    "grid",
    "posterior",
    "propose",
]
