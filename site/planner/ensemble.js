"use strict";
// Many laws that fit the same runs about equally well, with weights: centres, ranges, the verdict.
// The arithmetic of scalinglib.laws.ensembles and scalinglib.allocate.decide.

const Ensemble = (() => {
  const NEVER = [-Infinity, -Infinity]; // the gain where the budget pays for no teacher

  /** The smallest value that members of at least that weight do not exceed. */
  function quantile(values, weights, level) {
    const order = values.map((_, i) => i).sort((i, j) => values[i] - values[j]);
    const total = weights.reduce((a, b) => a + b, 0);
    let sum = 0;
    for (const i of order) {
      sum += weights[i];
      if (sum / total >= level - 1e-12) return values[i];
    }
    return values[order.at(-1)];
  }

  /**
   * The members as solvers. `measured`, a model of one's own or null, shifts every law, both ways.
   * They come in an order in which the first few stand for all.
   */
  function create(settings, measured) {
    const { ensemble, central, seen, normal, agreement, flops, resolution } = settings;
    const count = ensemble.length, own = Law.create(central, flops);
    const moved = measured ? Law.shifts(own, measured)[0] : own;
    const stride = [66, 64, 61, 59, 1].find((n) => n < count && gcd(n, count) === 1) ?? 1;
    const members = [];
    for (let i = 0; i < count; i++) {
      const row = ensemble[(i * stride) % count];
      const law = Law.create(row, flops);
      const laws = measured ? Law.shifts(law, measured) : [law];
      for (const one of laws) {
        members.push({
          law: one, plan: Plan.create(one, settings), weight: row.weight / laws.length, form: row.form,
        });
      }
    }
    const levels = [(1 - agreement) / 2, 0.5, (1 + agreement) / 2];

    /** [low, centre, high] of one value a member, about each of which the truth deviates, to `most`. */
    function told(values, weights, deviation, most) {
      if (deviation) {
        weights = normal.flatMap(() => weights);
        values = normal.flatMap((point) =>
          values.map((value, i) => Math.min(value + point * deviation, most[i])));
      }
      return levels.map((level) => quantile(values, weights, level));
    }

    /** [low, centre, high] of one value a member, for as many as there are. */
    function interval(values, deviation = 0, most = []) {
      return told(values, members.slice(0, values.length).map((m) => m.weight), deviation, most);
    }

    /** The centre of the members' losses, as a law: of no one's coefficients. */
    const middle = {
      ...moved,
      studentLoss: (...where) => interval(members.map(({ law }) => law.studentLoss(...where)))[1],
    };

    /** Log of a teacher's error over what the student would have alone. */
    function logRatio(law, params, tokens, teacherLoss) {
      const left = Math.max(teacherLoss - law.irreducible, 1e-6);
      return Math.log(left / (law.supervisedLoss(params, tokens) - law.irreducible));
    }
    const trained = seen.settings.map(([n, d, best, worst]) =>
      [Math.log(n), Math.log(d), logRatio(own, n, d, best), logRatio(own, n, d, worst)]);

    /** Deviation of the gain about the laws', nats (`Ensemble.gain_discrepancy`). */
    function discrepancy({ studentParams }, { supervised, best }) {
      if (!best) return 0;
      const { teacher, studentTokens } = best;
      const [n, d] = [Math.log(studentParams), Math.log(studentTokens)];
      const u = logRatio(moved, studentParams, studentTokens, teacher.loss);
      const apart = trained.map(([n0, d0, low, high]) =>
        Math.hypot(n - n0, d - d0, Math.max(low - u, u - high, 0)));
      return seen.growth * Math.min(...apart) * supervised.loss;
    }

    /** [low, high] of one value a member, form by form. */
    function byForm(values, deviation, most) {
      const found = {};
      for (const form of new Set(members.map((m) => m.form))) {
        const at = values.map((_, i) => i).filter((i) => members[i].form === form);
        const [mine, weights, bound] = [values, members.map((m) => m.weight), most]
          .map((all) => at.map((i) => all[i]));
        if (!at.length) continue;
        const [low, , high] = told(mine, weights, deviation, bound);
        found[form] = [low, high];
      }
      return found;
    }

    function share(conditions) {
      let sum = 0, total = 0;
      conditions.forEach((holds, i) => {
        total += members[i].weight;
        if (holds) sum += members[i].weight;
      });
      return total ? sum / total : 0;
    }

    /** "undecided" where the range of the gain holds zero, or the gain is one run's scatter. */
    function verdict(gain, error, [low, high]) {
      if (Math.abs(gain) <= error || (low <= 0 && high >= 0)) return "undecided";
      return gain > 0 ? "distil" : "train on data";
    }

    /** What the central law solved, with the teacher under which the members' losses are least. */
    function chosen(problem, solved) {
      if (solved.plans.length < 2) return solved;
      const each = members.map(({ plan }) => plan.solve(problem).plans.map((p) => p.loss));
      const losses = solved.plans.map((_, j) => interval(each.map((row) => row[j]))[1]);
      return { ...solved, best: solved.plans[losses.indexOf(Math.min(...losses))] };
    }

    /** One member's answer, with the teacher that is chosen. */
    function answer({ plan, law }, problem, at) {
      const { supervised, plans } = plan.solve(problem);
      const mine = at < 0 ? undefined : plans[at];
      return {
        supervised: supervised.loss, gain: mine ? supervised.loss - mine.loss : -Infinity,
        most: supervised.loss - law.irreducible, // no student ends below the entropy
        each: plans.map((p) => p.loss),
        teacher: mine?.teacher, studentTokens: mine?.studentTokens,
        turn: mine && problem.teachers ? plan.turn(problem, mine) : null,
      };
    }

    /** The central law's plans with the centres of the answers that there are, and their ranges. */
    function summary(answers, problem, { supervised, plans, best }) {
      const ends = ([low, , high]) => [low, high];
      const of = (key) => interval(answers.map((a) => a[key]));
      const holding = (values, mine) => {
        const [low, , high] = interval(values);
        return [Math.min(low, mine), Math.max(high, mine)];
      };
      const alone = of("supervised");
      const each = plans.map((_, j) => interval(answers.map((a) => a.each[j])));
      const centred = plans.map((p, j) => ({ ...p, loss: each[j][1] }));
      const at = plans.indexOf(best);
      const found = {
        supervised: { ...supervised, loss: alone[1] }, plans: centred, best: centred[at] ?? null,
        error: resolution * alone[1], gain: -Infinity,
        ranges: {
          laws: answers.length, of: members.length, complete: answers.length === members.length,
          share: share(answers.map((a) => a.gain > 0)), supervised: ends(alone), each: each.map(ends),
        },
      };
      if (best && answers.every((a) => a.teacher)) {
        const [gains, most] = ["gain", "most"].map((key) => answers.map((a) => a[key]));
        const spread = discrepancy(problem, found), gain = interval(gains, spread, most);
        found.gain = alone[1] - each[at][1];
        Object.assign(found.ranges, {
          distilled: ends(each[at]), gain: ends(gain), forms: byForm(gains, spread, most),
          studentTokens: holding(answers.map((a) => a.studentTokens), best.studentTokens),
          teacherParams: holding(answers.map((a) => a.teacher.params), best.teacher.params),
          teacherLoss: holding(answers.map((a) => a.teacher.loss), best.teacher.loss),
        });
        if (problem.teachers) {
          const turn = of("turn");
          [found.turn, found.ranges.turn] = [turn[1], ends(turn)];
        }
      }
      found.verdict = verdict(found.gain, found.error, found.ranges.gain ?? NEVER);
      return found;
    }

    /** Everything at once: for tests, and where nobody waits. */
    function advise(problem, solved) {
      const central = chosen(problem, solved), at = central.plans.indexOf(central.best);
      return summary(members.map((member) => answer(member, problem, at)), problem, central);
    }

    return { members, middle, chosen, answer, summary, interval, share, advise };
  }

  const gcd = (a, b) => (b ? gcd(b, a % b) : a);

  return { create };
})();
