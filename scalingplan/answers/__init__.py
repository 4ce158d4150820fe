"""Laws of a reader's own runs, and the decisions that they bear: notebook 12, 16 and the command.

`fitting` fits what the table allows, `decisions` says whether to distil, from which teacher, and
what to train next, `budgets` what a training budget wants, `numbers` writes them with their ranges;
`studies` makes a study for a text, `estimate` says what a study takes.
"""
