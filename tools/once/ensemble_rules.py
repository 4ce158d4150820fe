"""Would other rules for the ensemble's range and centre foretell better? Tried once.

    python -m tools.once.ensemble_rules

Laid down before any of it was computed, but with the errors of the hold-outs of
`tools.once.extrapolation` in view: on text all 18 runs that the band misses in the corner (two
smallest students, weak teachers) lie below it, under every form, by 7% where the supervised law
alone is off by 3%; and at stronger teachers the distance is 0.06, so that the discrepancy is
nothing, while laws miss by about what they miss of the runs that they are fitted to.

* *inside*: at no distance a run deviates as those that the laws were fitted to do. In place of the
  run's noise the larger of that and sqrt(pi / 2) times the mean error of the forms on the runs kept
  (`Question.inside`, weighted); the discrepancy adds to it as before, growth found anew by the same
  rule on the other two sets.
* *own*: the runs kept are held out once more from one another, by the same `splits`, laws and
  supervised law fitted to what is left. z is the error of the laws' median over the deviation that
  the band has there (spread of the laws, noise, discrepancy under the growth of the other two
  sets); the discrepancy is multiplied by max(1, q / 1.645), q the 90% quantile of |z|, each inner
  hold-out counting alike. So the larger of the general discrepancy and the table's own is taken;
  where no inner split can be fitted, the general one.
* *both*: the two together.

Criterion, of each rule: every one of the 28 hold-outs holds at least 80%, and the mean interval
score over the hold-outs of words, and over those of the paper, is at most 5% above today's. The
first that meets it, in this order, is adopted; if none does, none is. Prediction: *inside* mends
the stronger teachers on text and not the corner (27 of 28); *own* does not mend the corner, since
two sizes leave only tokens and teachers to hold out; no rule meets the criterion.

* *shift*: errors of a size go together, mostly too high. The mean over the hold-outs of the other
  two sets, each counting alike, of measured less median log-loss over misfit times distance (where
  that is above 0.2), times misfit and distance, is added to the median. It foretells better if the
  mean over a set's hold-outs of the mean absolute error is lower by more than a tenth on two sets
  of the three. Prediction: it does on words and text, and is worse on the paper's runs.
"""
