"""Judge forms of the distillation law on runs kept from them; data/fits/law_bench.csv.

    python -m tools.law_bench [FORM ...]

What decides, written down before any new form was fitted:

* Two sets of runs: the 328 of the paper's Figure 1, and ours (data/runs/study.csv, distilled, seeds
  of one setting averaged, the perfect teacher's runs among them, with L_T the language's entropy).
* The supervised law is held, the same for all forms: Table 6's for the paper's runs; for ours a fit
  of all six coefficients to the means of all supervised runs. Beside it, not deciding: the same
  with E held at the entropy. A form may have an E of its own, which then counts as a coefficient.
* A law is fitted (sum of Huber of log-loss, delta 1e-3) to the runs that are left and judged on
  those kept aside by the mean of |predicted / measured - 1|.
* Eight hold-outs decide, four kinds on two sets: the two largest student sizes; the quarter of the
  runs with most tokens a parameter; the quarter with the best teachers; the quarter with the lowest
  loss. (Ties with the last run of a quarter are kept aside too.) Shown beside: one and three sizes,
  a tenth and a half of the runs.
* The standard error of a difference between two laws: both stay as fitted, and the runs kept aside
  are resampled 2000 times by teacher and by student (N_S, D_S) at once, a run counting as often as
  its teacher times its student is drawn (Owen's pigeonhole), the same draws for both laws. Beside
  it: the same where the runs that are fitted are resampled too and both laws refitted, 50 times.
* A form is better, or worse, in a hold-out if the difference is more than two standard errors.
"""
