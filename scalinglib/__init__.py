"""Distillation scaling laws, reproduced: laws, fits, compute-optimal allocation, experiments.

One room per job, imports pointing downwards only: `laws` and `flops` know nothing of each other,
`fit` and `allocate` stand on them, `report` knows no science. The README has the map.
"""

import jax

# Laws and fits are float64; arrays made before this line would stay float32 without a word.
jax.config.update("jax_enable_x64", True)
