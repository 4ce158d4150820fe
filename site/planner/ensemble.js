"use strict";
// Many laws that fit the same runs about equally well, with weights: ranges, and the verdict.
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
  function create({ ensemble, central, seen, normal, agreement, flops, box, scan, guess }, measured) {
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
          plan: Plan.create(one, { box, scan, guess }), weight: row.weight / laws.length, form: row.form,
        });
      }
    }
    const levels = [(1 - agreement) / 2, (1 + agreement) / 2];

    /** [low, high] of one value a member, about each of which the truth deviates. */
    function ends(values, weights, deviation) {
      if (deviation) {
        weights = normal.flatMap(() => weights);
        values = normal.flatMap((point) => values.map((value) => value + point * deviation));
      }
      return levels.map((level) => quantile(values, weights, level));
    }

    /** [low, high] of one value a member, for as many as there are, and of the central one. */
    function range(values, central, deviation = 0) {
      const weights = members.slice(0, values.length).map((m) => m.weight);
      const [low, high] = ends(values, weights, deviation);
      return [Math.min(low, central), Math.max(high, central)];
    }

    /** Log of a teacher's error over what the student would have alone. */
    function logRatio(law, params, tokens, teacherLoss) {
      const left = Math.max(teacherLoss - law.irreducible, 1e-6);
      return Math.log(left / (law.supervisedLoss(params, tokens) - law.irreducible));
    }
    const settings = seen.settings.map(([n, d, best, worst]) =>
      [Math.log(n), Math.log(d), logRatio(own, n, d, best), logRatio(own, n, d, worst)]);

    /** Deviation of the gain about the laws', nats (`Ensemble.gain_discrepancy`). */
    function discrepancy({ studentParams }, { supervised, best }) {
      if (!best) return 0;
      const { teacher, studentTokens } = best;
      const [n, d] = [Math.log(studentParams), Math.log(studentTokens)];
      const u = logRatio(moved, studentParams, studentTokens, teacher.loss);
      const apart = settings.map(([n0, d0, low, high]) =>
        Math.hypot(n - n0, d - d0, Math.max(low - u, u - high, 0)));
      return seen.growth * Math.min(...apart) * supervised.loss;
    }

    /** [low, high] of one value a member, form by form. */
    function byForm(values, deviation) {
      const found = {};
      for (const form of new Set(members.map((m) => m.form))) {
        const at = values.map((_, i) => i).filter((i) => members[i].form === form);
        const [mine, weights] = [at.map((i) => values[i]), at.map((i) => members[i].weight)];
        if (at.length) found[form] = ends(mine, weights, deviation);
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

    /** One member's answer, with the teacher that the central law chose. */
    function answer({ plan }, problem, chosen) {
      const { supervised, plans } = plan.solve(problem);
      const mine = chosen < 0 ? undefined : plans[chosen];
      return {
        supervised: supervised.loss,
        distilled: mine ? mine.loss : Infinity,
        gain: mine ? supervised.loss - mine.loss : -Infinity,
        each: plans.map((p) => p.loss),
        teacher: mine?.teacher, studentTokens: mine?.studentTokens,
        turn: mine && problem.teachers ? plan.turn(problem, mine) : null,
      };
    }

    /** Ranges over the answers that there are, which hold the central law's own. */
    function summary(answers, { supervised, plans, best, gain, turn }, deviation) {
      const of = (key, central, spread) => range(answers.map((a) => a[key]), central, spread);
      const found = {
        laws: answers.length, of: members.length, complete: answers.length === members.length,
        share: share(answers.map((a) => a.gain > 0)),
        supervised: of("supervised", supervised.loss),
      };
      if (answers.every((a) => a.teacher)) {
        Object.assign(found, { distilled: of("distilled", best.loss), gain: of("gain", gain, deviation) });
        found.forms = byForm(answers.map((a) => a.gain), deviation);
        found.each = plans.map((p, j) => range(answers.map((a) => a.each[j]), p.loss));
        found.teacherParams = range(answers.map((a) => a.teacher.params), best.teacher.params);
        found.teacherLoss = range(answers.map((a) => a.teacher.loss), best.teacher.loss);
        found.studentTokens = of("studentTokens", best.studentTokens);
        if (typeof turn === "number") found.turn = of("turn", turn);
      }
      return found;
    }

    /** Everything at once: for tests, and where nobody waits. */
    function advise(problem, central) {
      const chosen = central.plans.indexOf(central.best);
      const answers = members.map((member) => answer(member, problem, chosen));
      const found = summary(answers, central, discrepancy(problem, central));
      return { ...found, verdict: verdict(central.gain, central.error, found.gain ?? NEVER) };
    }

    return { members, answer, summary, range, share, verdict, discrepancy, advise, NEVER };
  }

  const gcd = (a, b) => (b ? gcd(b, a % b) : a);

  return { create };
})();
