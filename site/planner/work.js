"use strict";
// An answer worked out: at first what a keystroke has time for, then the rest in small steps.

const Work = (() => {
  const FIRST = 25; // milliseconds of work before the first picture
  const FEW = 30; // laws that stand for all where each takes a search

  // One question's solvers: the central law and the ensemble, shifted where a model was measured.
  const solvers = new Map();
  function solversFor(measured) {
    const key = JSON.stringify(measured);
    if (!solvers.has(key)) {
      const central = Law.create(SETTINGS.central, SETTINGS.flops);
      const law = measured ? Law.shifts(central, measured)[0] : central;
      solvers.clear();
      solvers.set(key, {
        law, central, plan: Plan.create(law, SETTINGS), ensemble: Ensemble.create(SETTINGS, measured),
      });
    }
    return solvers.get(key);
  }

  /** What can be said at once: the central law's plans, and as many laws' losses as time allows. */
  function begin(question) {
    const { problem, measured, perUnit } = question;
    const { law, central: unshifted, plan, ensemble } = solversFor(measured);
    const central = ensemble.chosen(problem, plan.solve(problem)), { best } = central;
    const fixedTokens = problem.compute === null;
    const w = {
      ...question, central, law, middle: ensemble.middle, fixedTokens,
      isNew: problem.teachers === null, chosen: central.plans.indexOf(best), answers: [],
      equal: fixedTokens && best ? plan.supervised(problem, best.compute) : null,
      ideal: best ? Plan.create(ensemble.middle, SETTINGS)
        .bestTeacherLoss(problem.studentParams, best.studentTokens) : null,
      neededTokens: best ? law.tokensForLoss(best.teacher.params, best.teacher.loss) : null,
      inUnit: (value) => value / (perUnit ?? 1),
      own: fixedTokens ? problem.tokens : problem.compute,
      spend: fixedTokens || !best ? null : biggest(problem, central, ensemble.middle),
      ...Small.again(problem, plan.serving(problem), best, unshifted, ensemble.middle),
      mixed: Small.mixed(problem, best, law),
    };
    if (w.lossStep && best && question.lossUnit !== undefined && problem.teachers?.length === 1) {
      const typed = Units.outOfNats(best.teacher.loss, w.lossUnit, w.bytes);
      w.typed = [typed - w.lossStep, typed + w.lossStep]
        .map((l) => Units.inNats(l, w.lossUnit, w.bytes));
    }
    const until = performance.now() + FIRST;
    while (w.answers.length < ensemble.members.length && performance.now() < until) next(w, ensemble);
    summarise(w, ensemble);
    return w;
  }

  function next(w, ensemble) {
    const member = ensemble.members[w.answers.length];
    const found = ensemble.answer(member, w.problem, w.chosen);
    if (w.equal) {
      const { studentTokens } = w.equal;
      found.equal = member.plan.supervised({ ...w.problem, tokens: studentTokens }).loss;
    }
    w.answers.push(found);
  }

  function summarise(w, ensemble) {
    Object.assign(w, ensemble.summary(w.answers, w.problem, w.central));
    if (!w.equal) return;
    const [low, loss, high] = ensemble.interval(w.answers.map((a) => a.equal));
    Object.assign(w.equal, { loss });
    w.ranges.equal = [low, high];
  }

  /** The student that spends what a data limit leaves, the better way. */
  function biggest(problem, { supervised, best }, law) {
    const plan = Plan.create(law, SETTINGS);
    const taught = law.studentLoss(problem.studentParams, best.studentTokens, best.teacher.loss);
    const before = Math.min(taught, supervised.loss);
    const chosen = taught < supervised.loss ? best : supervised;
    if (problem.maxTokens === null || chosen.compute > problem.compute * 0.99) return null;
    const ways = (problem.teachers ? ["distil", "train"] : ["train"]).map((how) => {
      const at = (params) => {
        const larger = { ...problem, studentParams: params, compute: null, tokens: problem.maxTokens };
        if (how === "train") return plan.supervised(larger);
        return plan.solve({ ...larger, teachers: [best.teacher] }).best;
      };
      let low = Math.log(problem.studentParams), high = low + 25;
      while (high - low > 1e-4) {
        const middle = (low + high) / 2;
        if (at(Math.exp(middle)).compute > problem.compute) high = middle; else low = middle;
      }
      return { how, params: Math.exp(low), loss: at(Math.exp(low)).loss, before };
    });
    return ways.reduce((a, b) => (b.loss < a.loss ? b : a));
  }

  /**
   * The rest: all laws, the curve over budgets, where it flips, other sizes. Yields often, and the
   * name of a part where that is done.
   */
  function* finish(w) {
    const { problem, own, isNew } = w;
    const { plan, ensemble } = solversFor(w.measured);
    const complete = w.ranges.complete;
    while (w.answers.length < ensemble.members.length) {
      next(w, ensemble);
      yield;
    }
    if (!complete) {
      summarise(w, ensemble);
      yield "laws";
    }
    // What serving takes is paid whatever the budget.
    const paid = w.fixedTokens ? 0 : plan.serving(problem);
    const spaced = (count) =>
      Array.from({ length: count }, (_, i) => paid + ((own - paid) / 30) * 900 ** (i / (count - 1)));
    const curve = yield* plan.curve(problem, spaced(49));
    const [low, high] = SETTINGS.scan[w.fixedTokens ? "tokens" : "compute"];
    const scanned = [paid + Math.min(low, (own - paid) / 30), Math.max(high, own * 30)];
    const flips = yield* plan.flips(problem, ...scanned);
    for (const flip of flips) {
      flip.tokens = plan.supervised(plan.rebudget(problem, flip.budget)).studentTokens;
    }
    // The bands stand at points of the curve.
    const points = curve.filter((_, i) => i % (isNew ? 6 : 2) === 0);
    const rows = [], budgets = points.map((row) => row.budget);
    for (const { plan: one } of some(w, ensemble)) rows.push(yield* one.curve(problem, budgets));
    const gain = (row) => row.supervised - row.distilled;
    const bands = points.map(({ budget }, i) => ({
      budget,
      supervised: ensemble.interval(rows.map((r) => r[i].supervised)),
      distilled: ensemble.interval(rows.map((r) => r[i].distilled)),
      share: ensemble.share(rows.map((r) => gain(r[i]) > 0)),
    }));
    if (w.best) { // the few laws do not overrule all of them at one's own budget
      const { ranges, supervised, best } = w;
      const about = ([low, high], { loss }) => [low, loss, high];
      Object.assign(bands[(bands.length - 1) / 2], {
        supervised: about(ranges.supervised, supervised), distilled: about(ranges.distilled, best),
        share: ranges.share,
      });
    }
    Object.assign(w, { curve, scanned, flips, bands });
    yield "budgets";
    w.sizes = yield* otherSizes(w, plan, ensemble);
    yield "sizes";
  }

  /** A teacher to train is a search a law: there the first few stand for all. */
  const some = ({ isNew }, { members }) => (isNew ? members.slice(0, FEW) : members);

  /** The same compute for other students, serving paid where it is known. */
  function* otherSizes(w, plan, ensemble) {
    const compute = w.problem.compute ?? w.best?.compute ?? w.supervised.compute;
    const rows = [];
    for (const times of [1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8]) {
      const params = w.problem.studentParams * times;
      const problem = { ...w.problem, studentParams: params, compute, tokens: null };
      if (params < SETTINGS.box.params[0]) continue;
      if (plan.serving(problem) >= compute) {
        rows.push({ params, loss: Infinity });
        continue;
      }
      const central = ensemble.chosen(problem, plan.solve(problem));
      const at = central.plans.indexOf(central.best), answers = [];
      for (const member of some(w, ensemble)) {
        answers.push(ensemble.answer(member, problem, at));
        yield;
      }
      const { best, gain, supervised, ranges, verdict } = ensemble.summary(answers, problem, central);
      const chosen = gain > 0 ? best : supervised;
      rows.push({
        params, loss: chosen.loss, tokens: chosen.studentTokens, verdict,
        range: gain > 0 ? ranges.distilled : ranges.supervised,
      });
    }
    return rows;
  }

  return { begin, finish, solversFor };
})();
