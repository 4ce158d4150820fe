"""Distillation scaling laws, reproduced: laws, fits, compute-optimal allocation, experiments.

One room per job, imports pointing downwards only; `pyproject.toml` has the layers. From the top:
`study` (corpora and tokenizers, a transformer, distillation losses, its training and its designs),
`gap` (the capacity gap in small), `experiment` (one engine that trains and records anything;
comparison seed by seed), `sentences` (what texts say, as numbers), `allocate` and `fit` (for any
law), `simulate`, `doubts` (what cannot be right in a table of runs), `laws`, `flops`,
`calibration`; and `report` (claims, figures), which knows no science. The package `scalingplan`
beside it decides. CONTRIBUTING says where what is new goes.
"""
