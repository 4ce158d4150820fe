"""The capacity gap: kernel regression, the Mapping Problem, the paper's own runs and its law.

`published` has the runs of Figure 1, `fixed_budgets` what laws say with tokens or compute given,
`printed_tables` the tables of parameters and FLOPs.
"""
