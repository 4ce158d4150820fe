"""Decisions on the laws of `scalinglib`: the `scalinglib` command and the planner's page.

From the top: `cli` and `commands` (one module a subcommand), `page` (what the planner's page
knows), `answers` (laws of a reader's own runs, and the decisions that they bear), `tables` (runs as
people have them), `units` (numbers as people write them). `scalinglib` knows nothing of it.
"""
