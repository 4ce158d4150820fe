"use strict";
// The optimiser: given a problem, the best plan without a teacher, the best one with, and where
// the answer flips. The same questions as scalinglib.allocate, found another way: for a teacher
// loss the best teacher size is one search, the best teacher loss another around it.
//
// A problem: studentParams; compute (FLOPs) or tokens (the student's), the other one null;
// teachers, a list of {params, loss}, or null where one would have to be trained;
// deltaLgt, deltaPre in [0, 1]; maxTokens, the most that any model can be trained on; serve, the
// tokens that the student will serve, paid from the same compute.

const Plan = (() => {
  const GOLDEN = (Math.sqrt(5) - 1) / 2;

  /** Where a function with one valley is least; where it is infinite the valley lies to the right. */
  function goldenSection(f, low, high, tolerance) {
    let a = high - GOLDEN * (high - low), b = low + GOLDEN * (high - low);
    let fa = f(a), fb = f(b);
    while (high - low > tolerance) {
      if (fa < fb) {
        [high, b, fb] = [b, a, fa];
        fa = f(a = high - GOLDEN * (high - low));
      } else {
        [low, a, fa] = [a, b, fb];
        fb = f(b = low + GOLDEN * (high - low));
      }
    }
    return fa < fb ? a : b;
  }

  /** The least value of a function on [low, high]: the best of a grid, then a search around it. */
  function minimise(f, low, high, points, tolerance) {
    const step = (high - low) / (points - 1);
    let best = 0, least = Infinity;
    for (let i = 0; i < points; i++) {
      const value = f(low + i * step);
      if (value < least) [best, least] = [i, value];
    }
    if (least === Infinity) return null;
    const left = low + Math.max(best - 1, 0) * step;
    const right = low + Math.min(best + 1, points - 1) * step;
    const x = goldenSection(f, left, right, tolerance);
    // A valley at the very end of the interval is approached, never met.
    return [x, left, right].reduce((one, other) => (f(other) < f(one) ? other : one));
  }

  function create(law, { box, scan, guess }) {
    const train = (params) => 3 * law.forwardFlops(params);
    const serving = ({ serve, studentParams }) => (serve ?? 0) * law.forwardFlops(studentParams);
    const training = (problem) => problem.compute - serving(problem);
    const cap = (problem) => Math.min(problem.maxTokens ?? Infinity, box.tokens[1]);

    /** What a plan costs and leaves, from its teacher and its tokens. */
    function describe(problem, studentTokens, teacher, paysTraining) {
      const { studentParams, deltaLgt, deltaPre } = problem;
      const flops = {
        student: train(studentParams) * studentTokens, inference: 0, pretraining: 0,
        serving: serving(problem),
      };
      if (teacher) {
        flops.inference = deltaLgt * law.forwardFlops(teacher.params) * studentTokens;
        if (paysTraining) flops.pretraining = deltaPre * train(teacher.params) * teacher.tokens;
      }
      const loss = teacher
        ? law.studentLoss(studentParams, studentTokens, teacher.loss)
        : law.supervisedLoss(studentParams, studentTokens);
      const compute = flops.student + flops.inference + flops.pretraining + flops.serving;
      return { loss, studentTokens, teacher, flops, compute };
    }

    /** Training on data: everything goes into tokens. */
    function supervised(problem, compute = problem.compute) {
      const affordable = compute === null ? problem.tokens
        : (compute - serving(problem)) / train(problem.studentParams);
      return describe(problem, Math.min(affordable, problem.maxTokens ?? Infinity), null, false);
    }

    /** Distillation from a teacher that exists: its own training is paid already. */
    function fromTeacher(problem, teacher) {
      const perToken = train(problem.studentParams)
        + problem.deltaLgt * law.forwardFlops(teacher.params);
      const affordable = problem.compute === null ? problem.tokens : training(problem) / perToken;
      return describe(problem, Math.min(affordable, cap(problem)), teacher, false);
    }

    /** Log sizes between which a teacher reaches `loss` on a number of tokens inside the box. */
    function sizes(loss, maxTokens) {
      const low = Math.max(law.paramsForLoss(maxTokens, loss), box.params[0]);
      const high = Math.min(law.paramsForLoss(box.tokens[0], loss), box.params[1]);
      return [Math.log(low), Math.log(Math.max(low, high))];
    }

    /** The teacher of a given loss for which `cost(size, tokens)` is least. */
    function teacherOfLoss(loss, maxTokens, cost) {
      const tokens = (n) => Math.min(Math.max(law.tokensForLoss(n, loss), box.tokens[0]), maxTokens);
      const at = (logParams) => cost(Math.exp(logParams), tokens(Math.exp(logParams)));
      const [low, high] = sizes(loss, maxTokens);
      const inside = goldenSection(at, low, high, 1e-4);
      const best = Math.exp([inside, low, high].reduce((x, y) => (at(y) < at(x) ? y : x)));
      return { params: best, tokens: tokens(best), loss };
    }

    /** Distillation from a teacher trained for the purpose: its size, tokens and loss are free. */
    function withNewTeacher(problem) {
      const { studentParams, deltaLgt, deltaPre } = problem;
      const compute = problem.compute === null ? null : training(problem);
      const most = cap(problem), student = train(studentParams);
      if (most <= box.tokens[0]) return null;
      const free = deltaLgt === 0 && deltaPre === 0;
      // With nothing to pay only the loss matters: name the cheapest teacher that has it.
      const alone = (params, tokens) => law.forwardFlops(params) * tokens;

      let teacherFor, tokensWith;
      if (compute === null) {
        const costs = (n, t) =>
          law.forwardFlops(n) * (deltaLgt * problem.tokens + 3 * deltaPre * t);
        teacherFor = (loss) => teacherOfLoss(loss, most, free ? alone : costs);
        tokensWith = () => Math.min(problem.tokens, most);
      } else {
        const left = (n, t) => compute - deltaPre * train(n) * t;
        const affordable = (n, t) => left(n, t) / (student + deltaLgt * law.forwardFlops(n));
        // Overspent is overspent: divided by a huge teacher's inference it would look like little.
        const lack = (n, t) => (left(n, t) > 0 ? -affordable(n, t) : -left(n, t));
        teacherFor = (loss) => teacherOfLoss(loss, most, free ? alone : lack);
        tokensWith = ({ params, tokens }) => Math.min(affordable(params, tokens), most);
      }
      // Where neither the choice of teacher nor the tokens depend on the loss, skip the search.
      const fixedTokens = compute === null || free;
      const lossAt = (logExcess) => {
        const loss = law.irreducible + Math.exp(logExcess);
        const tokens = tokensWith(fixedTokens ? { params: 1, tokens: 1 } : teacherFor(loss));
        return tokens < box.tokens[0] ? Infinity : law.studentLoss(studentParams, tokens, loss);
      };
      const excess = (n, t) => Math.log(law.supervisedLoss(n, t) - law.irreducible);
      const best = excess(box.params[1], most), worst = excess(box.params[0], box.tokens[0]);
      const found = minimise(lossAt, best, worst, 80, 1e-8);
      if (found === null) return null;
      const teacher = teacherFor(law.irreducible + Math.exp(found));
      return describe(problem, tokensWith(teacher), teacher, true);
    }

    /** Every plan with a teacher, in the order of the teachers. */
    function distillations(problem) {
      if (problem.teachers) return problem.teachers.map((t) => fromTeacher(problem, t));
      const plan = withNewTeacher(problem);
      return plan ? [plan] : [];
    }

    /** The plan with the lowest loss; null where there is none. */
    const bestOf = (plans) =>
      plans.reduce((one, other) => (one && one.loss <= other.loss ? one : other), null);

    /** What the law expects with every teacher and without: the decision is the ensemble's. */
    function solve(problem) {
      const data = supervised(problem);
      const plans = distillations(problem);
      const best = bestOf(plans);
      const gain = best ? data.loss - best.loss : -Infinity;
      return { gain, supervised: data, plans, best };
    }

    /** The problem with another budget of the same kind. */
    const rebudget = (problem, budget) =>
      problem.compute === null ? { ...problem, tokens: budget } : { ...problem, compute: budget };

    /** Losses over some budgets: rows of {budget, supervised, distilled}; yields between them. */
    function* curve(problem, budgets) {
      const rows = [];
      for (const budget of budgets) {
        const at = rebudget(problem, budget);
        const best = bestOf(distillations(at));
        const distilled = best ? best.loss : NaN;
        rows.push({ budget, supervised: supervised(at).loss, distilled, best });
        yield;
      }
      return rows;
    }

    /** Budgets at which the better of the two changes, each with what is better above it. */
    function* flips(problem, low, high) {
      const gains = (logBudget) => solve(rebudget(problem, Math.exp(logBudget))).gain > 0;
      [low, high] = [Math.log(low), Math.log(high)];
      const found = [];
      for (let i = 0, before = gains(low); i < scan.points; i++) {
        let left = low + ((high - low) * i) / scan.points;
        let right = low + ((high - low) * (i + 1)) / scan.points;
        const after = gains(right);
        yield;
        if (after !== before) {
          while (right - left > 1e-7) {
            const middle = (left + right) / 2;
            if (gains(middle) === before) left = middle; else right = middle;
            yield;
          }
          found.push({ budget: Math.exp(right), above: after ? "distil" : "train" });
        }
        before = after;
      }
      return found;
    }

    /** The loss of this plan's teacher at which training on data gets better; -Infinity: always. */
    function turn(problem, plan) {
      const data = supervised(problem).loss, tokens = plan.studentTokens;
      const gain = (loss) => data - law.studentLoss(problem.studentParams, tokens, loss);
      let low = bestTeacherLoss(problem.studentParams, tokens), high = low + 10;
      if (gain(low) <= 0) return -Infinity;
      while (high - low > 1e-6) {
        const middle = (low + high) / 2;
        if (gain(middle) > 0) low = middle; else high = middle;
      }
      return low;
    }

    /** The teacher loss that is best for a student on these tokens, whatever it costs. */
    function bestTeacherLoss(studentParams, studentTokens) {
      const loss = (x) => law.studentLoss(studentParams, studentTokens, Math.exp(x));
      // Some runs hardly tell E, and ten times next to nothing is no teacher's loss.
      const low = Math.log(law.irreducible);
      const high = Math.max(low + Math.log(10), Math.log(guess.loss));
      return Math.exp(minimise(loss, low, high, 65, 1e-8));
    }

    return { solve, supervised, curve, flips, turn, rebudget, bestTeacherLoss, serving };
  }

  return { create };
})();
