"use strict";
// What small runs add to the laws: text that is read again, and labels beside a teacher. The
// arithmetic of scalingplan.answers.epochs and scalinglib.laws.mixing, of the paper's laws alone.

const Small = (() => {
  const { small } = SETTINGS; // null where the laws are somebody's own

  /** What several epochs gain on one, and the ends of that; null where the budget pays for one. */
  function gained(affordable, unique, most, lossOf) {
    const tokens = Math.min(affordable, most * unique);
    if (!(tokens > unique)) return null;
    const [gain, low, high] = ["estimate", "low", "high"]
      .map((which) => lossOf(unique, which) - lossOf(tokens, which));
    return { tokens, epochs: tokens / unique, gain, low, high, allSpent: affordable <= tokens };
  }

  /**
   * The text read again by a student on data, under the law of the paper's text, and under the best
   * plan's teacher, where at the low end its tokens are worth what labels are; null where nothing is.
   */
  function again({ maxTokens: unique, studentParams, compute }, serving, best, law, middle) {
    const none = { again: null, taughtAgain: null };
    if (!small || !unique || compute === null) return none;
    const affordable = (compute - serving) / (3 * law.forwardFlops(studentParams));
    const alone = gained(affordable, unique, small.epochs, (tokens, which) =>
      law.repeatedLoss(studentParams, tokens, unique, small.tokensWorth[which], small.sizeWorth));
    const left = best ? (compute - best.compute) / (best.flops.student + best.flops.inference) : 0;
    if (left < 0.01 || Math.abs(best.studentTokens / unique - 1) > 1e-9) return { ...none, again: alone };
    const taught = gained(unique * (1 + left), unique, small.taughtEpochs, (tokens, which) => {
      const most = small.tokensWorth[which] * (which === "low" ? 1 : small.stretch);
      return middle.studentLoss(studentParams, Law.worth(tokens, unique, most), best.teacher.loss);
    });
    return { again: alone, taughtAgain: taught };
  }

  /** The best share of a teacher no larger than the student; its gain on either alone, least first. */
  function mixed({ studentParams }, best, law) {
    if (!small || !best || best.teacher.params > studentParams) return null;
    const losses = [law.supervisedLoss(studentParams, best.studentTokens), best.loss];
    if (!(law.irreducible < best.loss)) return null;
    const [labels, teacher] = losses.map((loss) => Math.sqrt(loss - law.irreducible));
    const shared = small.correlations.words * labels * teacher;
    const spread = labels ** 2 + teacher ** 2 - 2 * shared;
    const inside = spread <= 1e-12 * labels * teacher ? 1 : (labels ** 2 - shared) / spread;
    const share = Math.min(Math.max(inside, 0), 1), rest = 1 - share;
    const gain = (c) => Math.min(...losses) - law.irreducible - (rest * labels) ** 2
      - (share * teacher) ** 2 - 2 * c * share * rest * labels * teacher;
    const [most, least] = [small.correlations.words, small.correlations.text].map(gain);
    return { share, gain: most, low: least };
  }

  return { again, mixed };
})();
