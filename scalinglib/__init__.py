"""Distillation scaling laws, reproduced: laws, fits, compute-optimal allocation, experiments.

One room per job, imports pointing downwards only: `laws` and `flops` know nothing of each other,
`fit` and `allocate` stand on them, `report` knows no science. The README has the map.
"""
