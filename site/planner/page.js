"use strict";
// The page: reads the form, asks central law and ensemble, shows the answer. The decision comes
// with the keystroke; what takes longer follows in slices, and a new keystroke ends it.

const Page = (() => {
  const FIRST = 25, SLICE = 12; // milliseconds of work before the first picture, and between events
  const FEW = 30;
  const { make, place } = Pictures;
  const form = place("form");
  const defaults = Object.fromEntries(new FormData(form));

  const read = () => ({ ...defaults, ...Object.fromEntries(new FormData(form)) });

  function fill(fields) {
    for (const [name, value] of Object.entries({ ...defaults, ...fields })) {
      const field = form.elements.namedItem(name);
      if (!field) continue;
      const known = !field.options || [...field.options].some((o) => o.value === value);
      if (known) field.value = value;
    }
    remembered = read();
  }
  let remembered = read();

  /** Show what belongs to these choices; put each error or doubt beside its field. */
  function showForm(fields, { errors, doubts }) {
    const choices = { unit: fields.u, have: fields.have, loss: fields.lu, how: fields.how };
    for (const [attribute, chosen] of Object.entries(choices)) {
      for (const part of form.querySelectorAll(`[data-${attribute}]`)) {
        part.hidden = !part.dataset[attribute].split(" ").includes(chosen);
      }
    }
    for (const field of form.querySelectorAll("[data-field]")) {
      const name = field.dataset.field, input = form.elements[name];
      for (const old of field.querySelectorAll(".error, .doubt")) old.remove();
      input.removeAttribute("aria-invalid");
      const hints = [...field.querySelectorAll(".hint:not([hidden])")];
      hints.forEach((hint, i) => { hint.id ||= `${name}-hint${i}`; });
      const described = hints.map((hint) => hint.id);
      for (const [kind, words] of [["error", errors[name]], ["doubt", doubts[name]]]) {
        if (!words || (kind === "doubt" && errors[name])) continue;
        const note = make("p", { class: kind, id: `${name}-${kind}` }, words);
        field.append(note);
        described.unshift(note.id);
        if (kind === "error") input.setAttribute("aria-invalid", "true");
      }
      input.setAttribute("aria-describedby", described.join(" "));
    }
    if (["cn", "cd", "cl"].some((name) => fields[name])) place("calibrate").open = true;
  }

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

  /** What can be said at once: the central law's answer, and as many others as time allows. */
  function begin(question) {
    const { problem, measured, perUnit } = question;
    const { law, plan, ensemble } = solversFor(measured);
    const central = plan.solve(problem), { best } = central;
    const fixedTokens = problem.compute === null;
    const equal = fixedTokens && best ? plan.supervised(problem, best.compute) : null;
    const w = {
      ...question, ...central, law, fixedTokens, isNew: problem.teachers === null, equal,
      error: SETTINGS.resolution * central.supervised.loss,
      chosen: central.plans.indexOf(best), answers: [],
      ideal: best ? plan.bestTeacherLoss(problem.studentParams, best.studentTokens) : null,
      turn: best && problem.teachers ? plan.turn(problem, best) : null,
      neededTokens: best ? law.tokensForLoss(best.teacher.params, best.teacher.loss) : null,
      inUnit: (value) => value / (perUnit ?? 1),
      own: fixedTokens ? problem.tokens : problem.compute,
      spend: fixedTokens || !best ? null : biggest(problem, central, plan),
    };
    if (w.lossStep && best && question.lossUnit !== undefined && problem.teachers?.length === 1) {
      const typed = Quantities.outOfNats(best.teacher.loss, w.lossUnit, w.bytes);
      w.typed = [typed - w.lossStep, typed + w.lossStep]
        .map((l) => Quantities.inNats(l, w.lossUnit, w.bytes));
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
    w.ranges = ensemble.summary(w.answers);
    if (w.equal) w.ranges.equal = ensemble.range(w.answers.map((a) => a.equal));
    w.verdict = ensemble.verdict(w.gain, w.error, w.ranges.share);
  }

  /** The student that spends what a data limit leaves, the better way. */
  function biggest(problem, { supervised, best }, plan) {
    const before = Math.min(best.loss, supervised.loss);
    const chosen = best.loss < supervised.loss ? best : supervised;
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

  /** The rest: all laws, the curve over budgets, where it flips, other sizes. Yields often. */
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
      showFirst(w);
    }
    const spaced = (count) =>
      Array.from({ length: count }, (_, i) => (own / 30) * 900 ** (i / (count - 1)));
    const curve = yield* plan.curve(problem, spaced(49));
    const [low, high] = SETTINGS.scan[w.fixedTokens ? "tokens" : "compute"];
    const scanned = [Math.min(low, own / 30), Math.max(high, own * 30)];
    const flips = yield* plan.flips(problem, ...scanned);
    for (const flip of flips) {
      flip.tokens = plan.supervised(plan.rebudget(problem, flip.budget)).studentTokens;
    }
    const rows = [], budgets = spaced(isNew ? 9 : 33);
    for (const { plan: one } of some(w, ensemble)) rows.push(yield* one.curve(problem, budgets));
    const bands = budgets.map((budget, i) => ({
      budget,
      supervised: ensemble.range(rows.map((r) => r[i].supervised)),
      distilled: ensemble.range(rows.map((r) => r[i].distilled)),
      gain: ensemble.range(rows.map((r) => r[i].supervised - r[i].distilled)),
    }));
    Object.assign(w, { curve, scanned, flips, bands });
    showRest(w);
    w.sizes = yield* otherSizes(w, plan, ensemble);
    Pictures.sizes(w);
  }

  /** A teacher to train is a search a law: there the first few stand for all. */
  const some = ({ isNew }, { members }) => (isNew ? members.slice(0, FEW) : members);

  /** The same compute for other students, serving paid where it is known. */
  function* otherSizes(w, plan, ensemble) {
    const compute = w.problem.compute ?? w.best?.compute ?? w.supervised.compute;
    const rows = [];
    for (const times of [1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8]) {
      const params = w.problem.studentParams * times;
      const left = compute - (w.serve ?? 0) * w.law.forwardFlops(params);
      if (params < 1e6) continue;
      if (left <= 0) {
        rows.push({ params, loss: Infinity });
        continue;
      }
      const problem = { ...w.problem, studentParams: params, compute: left, tokens: null };
      const found = plan.solve(problem);
      const { best, gain, supervised } = found;
      const answers = [];
      for (const member of some(w, ensemble)) {
        answers.push(ensemble.answer(member, problem, found.plans.indexOf(best)));
        yield;
      }
      const { share } = ensemble.summary(answers);
      const chosen = gain > 0 ? best : supervised;
      rows.push({
        params, loss: chosen.loss, tokens: chosen.studentTokens,
        verdict: ensemble.verdict(gain, SETTINGS.resolution * supervised.loss, share),
        range: ensemble.range(answers.map((a) => (gain > 0 ? a.distilled : a.supervised))),
      });
    }
    return rows;
  }

  function showFirst(w) {
    place("verdict").dataset.verdict = w.verdict;
    place("decision").textContent = Words.decision(w);
    place("reason").textContent = Words.reason(w);
    place("agreement").textContent = Words.agreement(w);
    w.notes = Words.warnings(w);
    place("warnings").hidden = !w.notes.length;
    place("warnings").replaceChildren(...w.notes.map((note) => make("li", {}, note)));
    const tile = (label, value, ends, kind) => make("div", { class: `tile ${kind}` },
      make("b", {}, value), make("small", {}, ends ? Words.range(ends) : ""), make("span", {}, label));
    const distilled = w.best ? Words.loss(w.best.loss) : "–";
    const gain = w.best ? Words.loss(Math.abs(w.gain)) : "–";
    const signed = (x) => `${x < 0 ? "−" : ""}${Words.loss(Math.abs(x))}`;
    place("tiles").replaceChildren(
      tile("loss, distilled", distilled, w.ranges.distilled, "distil"),
      tile("loss, trained on data", Words.loss(w.supervised.loss), w.ranges.supervised, "data"),
      tile(`${w.gain > 0 ? "gained" : "lost"} by distilling`, gain, null, ""),
    );
    if (w.best) {
      const ends = w.gain > 0 ? w.ranges.gain : w.ranges.gain.map((x) => -x).reverse();
      place("tiles").lastChild.children[1].textContent = Words.range(ends, signed);
    }
    const { head, rows } = Words.plan(w);
    Pictures.table(place("plan"), head, rows);
    Pictures.split(w);
    Pictures.shelf(w);
    Pictures.teachers(w, w.law, w.ideal);
    place("turn").textContent = w.best ? Words.turn(w) : "";
    place("left").hidden = !w.spend;
    place("left-words").textContent = Words.leftover(w);
    place("store").hidden = !(w.stored && w.best);
    place("store-words").textContent = w.stored && w.best ? Words.storage(w) : "";
    const short = { distil: "Distil", train: "Train on data", undecided: "Undecided" };
    place("peek").textContent = `${short[w.verdict]}: ${distilled} distilled, `
      + `${Words.loss(w.supervised.loss)} on data`;
  }

  function showRest(w) {
    place("flip").textContent = Words.flips(w);
    Pictures.budgets(w);
    place("recipe").value = recipe(w);
    place("sheet").textContent = recipe(w).split("\n").slice(1).join("\n").trim();
  }

  /** What was put in, as lines that another person can type. */
  function inputLines(fields) {
    return Inputs.relevant(fields).filter((name) => fields[name] !== "").map((name) => {
      const field = form.elements.namedItem(name);
      const label = { have: "Teacher", how: "Teacher's outputs", u: "Unit of the budget" }[name]
        ?? form.querySelector(`label[for=${name}]`).firstChild.textContent.trim();
      const said = field.selectedOptions ? field.selectedOptions[0].text : fields[name];
      return `${label}: ${said.replaceAll("\n", "; ")}`;
    });
  }

  function recipe(w) {
    const { head, rows } = Words.plan(w);
    const wide = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)));
    const lines = [head, ...rows].map((row) =>
      row.map((cell, i) => cell.padEnd(wide[i])).join("   ").trimEnd());
    const wrapped = (text) => text.replace(/(.{1,88})(\s|$)/g, "$1\n").trimEnd();
    const said = [
      Words.turn(w), Words.flips(w), w.stored && w.best ? Words.storage(w) : "", Words.leftover(w),
      ...w.notes.map((note) => `Note: ${note}`),
    ].filter(Boolean);
    return [
      Words.decision(w), "", wrapped(Words.reason(w)), wrapped(Words.agreement(w)), "", ...lines, "",
      ...said.map(wrapped), "", wrapped(place("basis").textContent), "", "Inputs",
      ...inputLines(read()), ...link(),
    ].join("\n");
  }

  // A page on this disk has no address that another person could open.
  const link = () => (location.protocol === "file:"
    ? [`Behind the planner's address: ${location.hash}`] : [location.href]);

  let shown = null, job = null;

  function work() {
    const until = performance.now() + SLICE;
    while (job && performance.now() < until) {
      if (job.next().done) {
        job = null;
        place("answer").dataset.state = "settled";
      }
    }
    if (job) setTimeout(work, 0);
  }

  function update() {
    const fields = read();
    const question = Inputs.interpret(fields);
    showForm(fields, question);
    history.replaceState(null, "", `#${Inputs.toLink(fields)}`);
    const broken = Object.keys(question.errors).length > 0;
    place("broken").hidden = !broken;
    place("results").hidden = broken;
    place("peek").textContent = broken ? place("broken").textContent : "";
    place("answer").dataset.state = broken ? "settled" : "working";
    const idle = job === null;
    shown = job = null;
    if (broken) return;
    shown = begin(question);
    showConversions(shown);
    showFirst(shown);
    job = finish(shown);
    if (idle) setTimeout(work, 0);
  }

  /** Losses in the other units, what the shift does, and what the budget is in the others. */
  function showConversions(w) {
    const teacher = w.problem.teachers?.[0];
    const others = Object.entries({ nats: "nats per token", ppl: "perplexity", bpb: "bits per byte" });
    place("same-loss").hidden = !teacher;
    if (teacher) {
      const bytes = w.bytes ?? Inputs.read(form.elements.bpt.value || "4.3", "bytes");
      const said = others.filter(([unit]) => unit !== w.lossUnit).map(([unit, name]) => {
        const value = Words.digits(Quantities.outOfNats(teacher.loss, unit, bytes), 3);
        if (unit === "ppl") return `a perplexity of ${value}`;
        return unit === "bpb" ? `${value} ${name} at ${bytes} bytes a token` : `${value} ${name}`;
      });
      place("same-loss").textContent = `${w.problem.teachers.length > 1 ? "The first is " : "That is "}`
        + `${said.join(", or ")}.`;
    }
    if (w.measured) {
      const { params, tokens, loss } = w.measured;
      const expected = solversFor(w.measured).central.supervisedLoss(params, tokens);
      place("shift").textContent = `The law expects ${Words.loss(expected)} nats of it, you measured `
        + `${Words.loss(loss)}. All losses here are the law's ${loss < expected ? "less" : "and"} `
        + `${Words.loss(Math.abs(loss - expected))}; one model cannot tell that from a factor of `
        + `${Words.digits(loss / expected, 4)}, so the ranges hold both.`;
    } else place("shift").textContent = "";
  }

  // A change of unit keeps what was meant and converts the number.
  function convert(name) {
    const before = remembered, fields = read();
    if (name === "u" && shown) {
      const plan = shown.best ?? shown.supervised;
      const flops = before.u === "tokens" ? plan.compute
        : shown.budget * (before.u === "hours" ? shown.perHour : 1);
      const value = { flops, tokens: plan.studentTokens, hours: flops / shown.perHour }[fields.u];
      form.elements.b.value = compact(value);
      place("converted").hidden = false;
      place("converted").textContent = `${before.b} ${unitName(before.u)} when distilling as shown.`;
    }
    if (name === "lu") {
      const bytes = Number((fields.bpt || "4.3").replace(",", "."));
      const other = (text, digits) => {
        try {
          const nats = Quantities.inNats(Inputs.read(text, Quantities.KIND[before.lu]), before.lu, bytes);
          return String(Words.digits(Quantities.outOfNats(nats, fields.lu, bytes), digits));
        } catch {
          return text;
        }
      };
      for (const field of ["tl", "cl"]) form.elements[field].value = other(fields[field], 4);
      form.elements.list.value = fields.list.split("\n")
        .map((line) => line.replace(/([^,;\t]*?)(\S+)\s*$/, (_, head, last) => head + other(last, 4)))
        .join("\n");
    }
  }
  const unitName = (unit) => ({ flops: "FLOPs", tokens: "student tokens", hours: "GPU-hours" })[unit];
  function compact(x) {
    if (x >= 1e16) return x.toExponential(3).replace("e+", "e");
    for (const [unit, scale] of [["T", 1e12], ["B", 1e9], ["M", 1e6]]) {
      if (x >= scale) return `${Words.digits(x / scale, 4)}${unit}`;
    }
    return String(Words.digits(x, 4));
  }

  function copy(text, what) {
    const done = () => { place("copied").textContent = `${what} copied.`; };
    const byHand = () => {
      place("recipe").select();
      place("copied").textContent = "The browser does not let this page copy: use the text below.";
    };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, byHand);
    else byHand();
  }

  function start() {
    for (const number of document.querySelectorAll("[data-number=vocabulary]")) {
      number.textContent = SETTINGS.flops.vocabulary.toLocaleString("en");
    }
    place("gpu-names").replaceChildren(
      ...Object.keys(SETTINGS.gpus).map((name) => make("option", { value: name })),
    );
    const { params, tokens, teacherLoss } = SETTINGS.fitted;
    place("basis").textContent = `Coefficients: ${SETTINGS.set}; ranges: `
      + `${SETTINGS.ensemble.length} laws. Fitted on models of ${Words.size(params[0])} to `
      + `${Words.size(params[1])} parameters, ${Words.size(tokens[0])} to ${Words.size(tokens[1])} `
      + `tokens, teachers of loss ${teacherLoss[0]} to ${teacherLoss[1]}; one run scatters by `
      + `${Words.percent(SETTINGS.resolution)} about the laws.`;
    fill(Inputs.fromLink(location.hash));
    form.addEventListener("input", ({ target }) => {
      if (["u", "lu"].includes(target.name)) convert(target.name);
      else if (target.name === "b") place("converted").hidden = true;
      remembered = read();
      update();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    addEventListener("hashchange", () => {
      fill(Inputs.fromLink(location.hash));
      update();
    });
    addEventListener("resize", () => {
      if (!shown) return;
      Pictures.teachers(shown, shown.law, shown.ideal);
      Pictures.budgets(shown);
    });
    place("copy-recipe").addEventListener("click", () => copy(place("recipe").value, "Recipe"));
    place("copy-link").addEventListener("click", () => copy(location.href, "Link"));
    place("copy-inputs").addEventListener("click", () =>
      copy([...inputLines(read()), ...link()].join("\n"), "Inputs"));
    place("print").addEventListener("click", () => print());
    new IntersectionObserver(([{ isIntersecting }]) => {
      place("peek").classList.toggle("away", isIntersecting);
    }).observe(place("verdict"));
    update();
  }

  return { start, begin, finish, solversFor };
})();

Page.start();
