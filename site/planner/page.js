"use strict";
// The page: reads the form, asks the optimiser, shows the answer in words, numbers and pictures.

const LAW = Law.create(SETTINGS);
const PLAN = Plan.create(LAW, SETTINGS);

const Page = (() => {
  const COLORS = {
    distil: "#0072B2", data: "#444444", mark: "#C1121F", other: "#999999",
    student: "#56B4E9", inference: "#E6B800", pretraining: "#CC79A7",
  };
  const form = document.getElementById("form");
  const place = (id) => document.getElementById(id);

  // Words and numbers

  const digits = (x, n) => Number(x.toPrecision(n));
  const loss = (x) => x.toFixed(3);
  const percent = (x) => `${digits(100 * x, 2)} %`;
  function size(x) {
    for (const [unit, scale] of [["T", 1e12], ["B", 1e9], ["M", 1e6], ["k", 1e3]]) {
      if (x >= scale * 0.9995) {
        return x < 1e16 ? `${digits(x / scale, 3).toLocaleString("en")}${unit}` : power(x);
      }
    }
    return String(digits(x, 3));
  }
  function power(x) {
    const [mantissa, exponent] = x.toExponential(2).split("e").map(Number);
    const raised = String(exponent).replace(/\d|-/g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"["0123456789-".indexOf(c)]);
    return mantissa === 1 ? `10${raised}` : `${mantissa} × 10${raised}`;
  }
  const hours = (x) => (x < 1e7 ? digits(x, 3).toLocaleString("en") : size(x));
  const budgetWords = {
    flops: (x) => `${power(x)} FLOPs`,
    tokens: (x) => `${size(x)} student tokens`,
    hours: (x) => `${hours(x)} GPU-hours`,
  };
  const budgetTick = { flops: power, tokens: size, hours };
  const better = { distil: "distilling", train: "training on data" };

  function make(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // The form and the link

  function read() {
    const fields = Object.fromEntries(new FormData(form));
    return { u: "flops", have: "none", ...fields };
  }

  function fill(fields) {
    for (const [name, value] of Object.entries(fields)) {
      const field = form.elements.namedItem(name);
      if (!field) continue;
      const known = !field.options || [...field.options].some((o) => o.value === value);
      if (known) field.value = value;
    }
  }

  /** Show what belongs to this unit and this teacher; put each error beside its field. */
  function showForm(fields, errors) {
    for (const [attribute, chosen] of [["unit", fields.u], ["have", fields.have]]) {
      for (const part of form.querySelectorAll(`[data-${attribute}]`)) {
        part.hidden = !part.dataset[attribute].split(" ").includes(chosen);
      }
    }
    for (const field of form.querySelectorAll("[data-field]")) {
      const name = field.dataset.field;
      const input = form.elements[name];
      field.querySelector(".error")?.remove();
      input.removeAttribute("aria-invalid");
      const hints = [...field.querySelectorAll(".hint:not([hidden])")];
      hints.forEach((hint, i) => { hint.id = `${name}-hint${i}`; });
      const described = hints.map((hint) => hint.id);
      if (errors[name]) {
        const error = make("p", { class: "error", id: `${name}-error` }, errors[name]);
        field.append(error);
        input.setAttribute("aria-invalid", "true");
        described.unshift(error.id);
      }
      input.setAttribute("aria-describedby", described.join(" "));
    }
  }

  // The answer

  /** Everything the page shows, worked out once. */
  function work({ problem, budget, unit, perUnit }) {
    const answer = PLAN.solve(problem);
    const { best } = answer;
    const fixedTokens = problem.compute === null;
    const own = fixedTokens ? problem.tokens : problem.compute;
    return {
      ...answer, problem, budget, unit, perUnit, fixedTokens,
      isNew: problem.teachers === null,
      // On a budget of tokens a teacher costs compute on top: what that would buy without one.
      equal: fixedTokens && best ? PLAN.supervised(problem, best.compute) : null,
      flips: PLAN.flips(problem),
      curve: PLAN.curve(problem, own / 30, own * 30, 49),
      inUnit: (value) => value / (perUnit ?? 1),
    };
  }

  function decision({ verdict, best, isNew, equal, error }) {
    if (verdict === "train") return "Train on data, without a teacher";
    if (verdict === "either") return "Too close to call: train on data, it is simpler";
    const from = isNew
      ? `a ${size(best.teacher.params)} teacher that you train for it` : best.teacher.label;
    // With data to spare the teacher's compute may be better spent on it.
    const spare = equal && equal.loss < best.loss - error;
    return `Distil from ${from}${spare ? ", if these tokens are all you have" : ""}`;
  }

  function reason(w) {
    const { best, supervised, gain, error, fixedTokens, equal, verdict } = w;
    if (!best) return "The budget does not pay for even the smallest teacher.";
    const same = fixedTokens ? "the same tokens" : "the same budget";
    const from = w.isNew ? "the best teacher" : best.teacher.label;
    let words = verdict === "train"
      ? `Training on data reaches a loss of ${loss(supervised.loss)}; distilling from ${from} with `
        + `${same}, ${loss(best.loss)}: ${loss(-gain)} nats per token worse.`
      : `Distilling from ${from} reaches a loss of ${loss(best.loss)}; training on data with `
        + `${same}, ${loss(supervised.loss)}: `
        + `${loss(Math.abs(gain))} nats per token ${gain > 0 ? "worse" : "better"}.`;
    if (verdict === "either") {
      words += ` The law itself is off by ${percent(SETTINGS.resolution)} on average `
        + `(${loss(error)}), so it cannot tell the two apart.`;
    }
    if (equal && verdict === "distil") {
      const tie = Math.abs(equal.loss - best.loss) <= error;
      const holds = equal.loss - best.loss > error;
      const buys = `The same compute, spent without a teacher on ${size(equal.studentTokens)} `
        + `tokens of data, would give ${loss(equal.loss)}`;
      if (holds) words += ` ${buys}: at equal compute the answer is the same.`;
      else if (tie) words += ` ${buys}: if you have that much data, the two are as good.`;
      else words += ` ${buys}: if you have that much data, train on it instead.`;
    }
    return words;
  }

  function warnings(w) {
    const { best, supervised, problem, isNew } = w;
    const { params, tokens, teacherLoss } = SETTINGS.fitted;
    const found = [];
    const outside = [];
    const range = (what, value, [low, high], format) => {
      if (value >= low * 0.999 && value <= high * 1.001) return;
      outside.push(`${what} ${format(value)} (fitted on ${format(low)} to ${format(high)})`);
    };
    range("student size", problem.studentParams, params, size);
    if (best) {
      const { teacher } = best;
      range("student tokens when distilling", best.studentTokens, tokens, size);
      range("teacher size", teacher.params, params, size);
      range("teacher loss", teacher.loss, teacherLoss, loss);
      if (isNew) range("teacher tokens", teacher.tokens, tokens, size);
      else if (LAW.tokensForLoss(teacher.params, teacher.loss) === Infinity) {
        found.push(`By the law no model of ${size(teacher.params)} reaches a loss of `
          + `${loss(teacher.loss)}, however long it is trained: is the loss measured as the law's?`);
      }
      if (isNew && teacher.tokens >= SETTINGS.box.tokens[1] * 0.999) {
        found.push("The teacher's training costs you nothing here, so its tokens run to the end "
          + "of the search: read “as long as possible”.");
      }
      if (isNew && teacher.params >= SETTINGS.box.params[1] * 0.999) {
        found.push("The teacher's size runs to the end of the search.");
      }
      if (!w.fixedTokens && best.compute < problem.compute * 0.999) {
        found.push(`The data limit leaves ${percent(1 - best.compute / problem.compute)} of the `
          + "budget unspent when distilling.");
      }
    }
    range("tokens when training on data", supervised.studentTokens, tokens, size);
    if (outside.length) {
      found.unshift("This answer is an extrapolation. Outside what the law was fitted on: "
        + `${outside.join("; ")}.`);
    }
    return found;
  }

  function table(into, head, rows) {
    const line = (cells, tag) => make("tr", {}, ...cells.map((cell, i) =>
      make(i && tag === "td" ? "td" : "th", { scope: tag === "th" ? "col" : "row" }, cell)));
    into.replaceChildren(
      make("thead", {}, line(head, "th")),
      make("tbody", {}, ...rows.map((cells) => line(cells, "td"))),
    );
  }

  /** The plans side by side: rows of label and one cell a plan. */
  function planRows(w) {
    const { problem, best, supervised, equal } = w;
    const plans = [best, supervised, equal].filter(Boolean);
    const each = (label, show) => [label, ...plans.map(show)];
    const teacher = (show) => (plan) => (plan.teacher ? show(plan.teacher) : "none");
    const rows = [
      each("Expected loss", (p) => loss(p.loss)),
      each("Student size", () => size(problem.studentParams)),
      each("Student tokens", (p) => size(p.studentTokens)),
      each("… per parameter", (p) =>
        String(digits(p.studentTokens / problem.studentParams, 3).toLocaleString("en"))),
      each("Teacher size", teacher((t) => size(t.params))),
      each("Teacher loss", teacher((t) => loss(t.loss))),
      each(w.isNew ? "Teacher tokens" : "Teacher tokens, by its loss", teacher((t) => {
        if (t.tokens) return size(t.tokens);
        const needed = LAW.tokensForLoss(t.params, t.loss);
        return needed === Infinity ? "no number" : `≈ ${size(needed)}`;
      })),
      each("FLOPs", (p) => power(p.compute)),
    ];
    if (w.unit === "hours") rows.push(each("GPU-hours", (p) => hours(w.inUnit(p.compute))));
    const head = [""];
    const chosen = (plan) => ((w.verdict === "distil") === (plan === best) ? "✓ " : "");
    if (best) head.push(`${chosen(best)}Distil`);
    head.push(`${chosen(supervised)}On data${w.fixedTokens ? ", same tokens" : ""}`);
    if (equal) head.push("On data, same compute");
    return { head, rows };
  }

  function showSplit({ best }) {
    if (!best) return place("split").replaceChildren();
    const parts = [
      ["student", "student training"], ["inference", "teacher inference"],
      ["pretraining", "teacher training"],
    ].map(([key, label]) => ({ key, label, share: best.flops[key] / best.compute }))
      .filter(({ share }) => share > 0);
    const bar = make("div", { class: "split", "aria-hidden": "true" }, ...parts.map((part) => {
      const piece = make("span", {});
      piece.style.width = `${100 * part.share}%`;
      piece.style.background = COLORS[part.key];
      return piece;
    }));
    const words = make("p", { class: "legend" }, ...parts.map(({ key, label, share }) => {
      const dot = make("i", {});
      dot.style.background = COLORS[key];
      return make("span", {}, dot, `${label} ${percent(share)}`);
    }));
    place("split").replaceChildren(
      make("p", { class: "caption" }, "How the compute splits when you distil"), bar, words,
    );
    return undefined;
  }

  function flipWords(w) {
    const { flips, budget, unit, inUnit, gain } = w;
    const shown = (flip) => {
      const value = inUnit(flip.budget);
      const ratio = value / budget;
      const times = ratio > 1 ? `${digits(ratio, 2)} times yours` : `1/${digits(1 / ratio, 2)} of yours`;
      const { studentTokens } = PLAN.supervised(
        w.fixedTokens ? { ...w.problem, tokens: flip.budget } : { ...w.problem, compute: flip.budget },
      );
      const [low, high] = SETTINGS.fitted.tokens;
      const far = studentTokens < low || studentTokens > high;
      return `${budgetWords[unit](value)} (${times}${far ? "; there the law extrapolates" : ""})`;
    };
    const here = w.fixedTokens ? w.problem.tokens : w.problem.compute;
    const above = flips.find((f) => f.budget > here);
    const below = flips.filter((f) => f.budget <= here).at(-1);
    const now = gain > 0 ? "distil" : "train";
    const words = [];
    if (above) words.push(`Above ${shown(above)} ${better[above.above]} has the lower loss.`);
    if (below) {
      const other = below.above === "distil" ? "train" : "distil";
      words.push(`Below ${shown(below)} ${better[other]} has the lower loss.`);
    }
    if (words.length) return words.join(" ");
    const [low, high] = w.fixedTokens ? SETTINGS.scan.tokens : SETTINGS.scan.compute;
    const unitOf = budgetWords[unit];
    return `Nowhere between ${unitOf(inUnit(low))} and ${unitOf(inUnit(high))}: `
      + `${better[now]} has the lower loss throughout.`;
  }

  function drawTeachers(w) {
    const { best, plans, supervised, problem } = w;
    if (!best) {
      for (const part of ["chart", "legend", "caption"]) place(`teacher-${part}`).replaceChildren();
      return;
    }
    const tokens = best.studentTokens;
    const at = (l) => LAW.studentLoss(problem.studentParams, tokens, l);
    const ideal = PLAN.bestTeacherLoss(problem.studentParams, tokens);
    const losses = [ideal, ...plans.map((p) => p.teacher.loss)];
    const low = Math.max(LAW.irreducible, Math.min(...losses) - 0.4);
    const high = Math.max(...losses) + 0.4;
    const xs = Array.from({ length: 161 }, (_, i) => low + ((high - low) * i) / 160);
    const points = xs.map((l) => [l, at(l)]);
    const values = [...points.map((p) => p[1]), supervised.loss, ...plans.map((p) => p.loss)];
    const y = { low: Math.min(...values) - 0.05, high: Math.max(...values) + 0.05 };
    const marks = [
      { x: ideal, y: at(ideal), color: COLORS.distil, hollow: true, label: "best teacher loss" },
      ...plans.filter((p) => p !== best).map((p) => ({
        x: p.teacher.loss, y: p.loss, color: COLORS.other, hollow: true,
        label: `${p.teacher.name}: ${loss(p.loss)}`,
      })),
      { x: best.teacher.loss, y: best.loss, color: COLORS.mark, label: "the chosen teacher" },
    ];
    Chart.draw(place("teacher-chart"), {
      title: `Student loss against teacher loss, for ${size(tokens)} tokens; chosen teacher `
        + `at ${loss(best.teacher.loss)}, student ${loss(best.loss)}`,
      x: { low, high, label: "teacher loss (nats per token)", format: (v) => v.toFixed(1) },
      y: { ...y, label: "student loss", format: (v) => v.toFixed(2) },
      lines: [
        { points: [[low, low], [high, high]], color: "#cccccc", width: 1 },
        {
          points: [[low, supervised.loss], [high, supervised.loss]],
          color: COLORS.data, dash: "2 4", width: 2,
        },
        { points, color: COLORS.distil },
      ],
      marks,
    });
    const mine = w.isNew ? "the teacher to train" : plans.length > 1 ? "best of yours" : "yours";
    Chart.legend(place("teacher-legend"), [
      { color: COLORS.distil, label: `student on ${size(tokens)} tokens` },
      { color: COLORS.data, dash: "2 4", label: "training on data" },
      { dot: true, color: COLORS.mark, label: mine },
      ...(plans.length > 1
        ? [{ dot: true, hollow: true, color: COLORS.other, label: "your others, on their tokens" }]
        : []),
      { dot: true, hollow: true, color: COLORS.distil, label: "best teacher, at any cost" },
      { color: "#cccccc", label: "student = teacher" },
    ]);
    const lost = best.loss - at(ideal);
    const side = best.teacher.loss < ideal ? "too strong" : "too weak";
    let words = `For this student on ${size(tokens)} tokens the best teacher has a loss of `
      + `${loss(ideal)} and gives ${loss(at(ideal))}.`;
    if (lost > w.error && !w.isNew) {
      words += ` The chosen one, ${loss(best.teacher.loss)}, is ${side}, which costs `
        + `${loss(lost)}.`;
      if (side === "too strong") words += " This is the capacity gap.";
    } else if (lost > w.error) {
      words += ` It would cost too much: the optimum stops at ${loss(best.teacher.loss)}.`;
    }
    place("teacher-caption").textContent = words;
  }

  function drawBudgets(w) {
    const { curve, best, supervised, budget, unit, flips, inUnit, error } = w;
    const at = (row) => inUnit(row.budget);
    const data = curve.map((row) => [at(row), row.supervised]);
    const distilled = curve.map((row) => [at(row), row.distilled]);
    const values = [...data, ...distilled].map((p) => p[1]).filter(Number.isFinite);
    const x = {
      low: budget / 30, high: budget * 30, log: true, format: budgetTick[unit],
      label: { flops: "budget (FLOPs)", tokens: "student tokens", hours: "GPU-hours" }[unit],
    };
    const inside = flips.map((f) => inUnit(f.budget)).filter((b) => b > x.low && b < x.high);
    Chart.draw(place("budget-chart"), {
      title: "Expected loss against budget, distilled and trained on data",
      x, y: {
        low: Math.min(...values) - 0.03, high: Math.max(...values) + 0.03,
        label: "student loss", format: (v) => v.toFixed(1),
      },
      band: { points: data, error: error / supervised.loss },
      lines: [
        { points: data, color: COLORS.data, dash: "2 4", width: 2 },
        { points: distilled, color: COLORS.distil },
      ],
      verticals: [
        { x: budget, label: "your budget" },
        ...inside.map((b) => ({ x: b, label: "flips", dash: "4 4", row: 1 })),
      ],
      marks: best ? [{ x: budget, y: best.loss, color: COLORS.mark, label: loss(best.loss) }] : [],
    });
    Chart.legend(place("budget-legend"), [
      { color: COLORS.distil, label: w.isNew ? "distilling, teacher trained for it" : "distilling" },
      { color: COLORS.data, dash: "2 4", label: "training on data, ± the law's own error" },
    ]);
    place("budget-caption").textContent = w.isNew && !w.fixedTokens
      ? "The compute-optimal losses: every point has its own best teacher."
      : w.fixedTokens ? "At equal student tokens, whatever the teacher costs."
        : "At equal total compute.";
    drawOptima(w, x);
  }

  function drawOptima({ curve, isNew, inUnit }, x) {
    place("optima").hidden = !isNew;
    if (!isNew) return;
    const rows = curve.filter((row) => row.best);
    const lines = [
      ["student tokens", COLORS.distil, (p) => p.studentTokens],
      ["teacher tokens", COLORS.mark, (p) => p.teacher.tokens],
      ["teacher size", "#009E73", (p) => p.teacher.params],
    ].map(([label, color, show]) => ({
      label, color, points: rows.map((row) => [inUnit(row.budget), show(row.best)]),
    }));
    const values = lines.flatMap((line) => line.points.map((p) => p[1]));
    Chart.draw(place("optima-chart"), {
      title: "Best teacher size and tokens against budget",
      x, lines, verticals: [],
      y: {
        low: Math.min(...values) / 2, high: Math.max(...values) * 2, log: true,
        label: "tokens or parameters", format: size,
      },
    });
    Chart.legend(place("optima-legend"), lines);
  }

  function showShelf({ problem, plans, best, supervised, error }) {
    const many = problem.teachers !== null && plans.length > 1;
    place("shelf").hidden = !many;
    if (!many) return;
    const rows = [...plans].sort((a, b) => a.loss - b.loss).map((p) => [
      p.teacher.name + (p === best ? " ✓" : ""), size(p.teacher.params), loss(p.teacher.loss),
      size(p.studentTokens), loss(p.loss),
      Math.abs(supervised.loss - p.loss) <= error
        ? "no difference"
        : `${p.loss < supervised.loss ? "gains" : "loses"} ${loss(Math.abs(supervised.loss - p.loss))}`,
    ]);
    const head = ["Teacher", "size", "loss", "student tokens", "student loss", "against data"];
    table(place("teachers"), head, rows);
  }

  function recipe(w, notes) {
    const { head, rows } = planRows(w);
    const wide = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)));
    const lines = [head, ...rows].map((row) =>
      row.map((cell, i) => cell.padEnd(wide[i])).join("   ").trimEnd());
    const wrapped = (text) => text.replace(/(.{1,88})(\s|$)/g, "$1\n").trimEnd();
    return [
      decision(w), "", wrapped(reason(w)), "", ...lines, "",
      ...[`Flips: ${flipWords(w)}`, ...notes.map((note) => `Note: ${note}`)].map(wrapped), "",
      wrapped(place("basis").textContent), location.href,
    ].join("\n");
  }

  function showAnswer(w) {
    place("verdict").dataset.verdict = w.verdict;
    place("decision").textContent = decision(w);
    place("reason").textContent = reason(w);
    const notes = warnings(w);
    place("warnings").hidden = !notes.length;
    place("warnings").replaceChildren(...notes.map((note) => make("li", {}, note)));
    const tile = (label, value, kind) =>
      make("div", { class: `tile ${kind}` }, make("b", {}, value), make("span", {}, label));
    const distilled = w.best ? loss(w.best.loss) : "–";
    const gain = w.best ? loss(Math.abs(w.gain)) : "–";
    place("tiles").replaceChildren(
      tile("loss, distilled", distilled, "distil"),
      tile("loss, trained on data", loss(w.supervised.loss), "data"),
      tile(`${w.gain > 0 ? "gained" : "lost"} by distilling`, gain, ""),
    );
    const { head, rows } = planRows(w);
    table(place("plan"), head, rows);
    showSplit(w);
    place("flip").textContent = flipWords(w);
    showShelf(w);
    drawTeachers(w);
    drawBudgets(w);
    place("recipe").value = recipe(w, notes);
    const short = { distil: "Distil", train: "Train on data", either: "Too close to call" };
    place("peek").textContent = `${short[w.verdict]}: ${distilled} distilled, `
      + `${loss(w.supervised.loss)} on data`;
  }

  let shown = null;

  function update() {
    const fields = read();
    const question = Inputs.interpret(fields, SETTINGS);
    showForm(fields, question.errors);
    history.replaceState(null, "", `#${Inputs.toLink(fields)}`);
    const broken = Object.keys(question.errors).length > 0;
    place("broken").hidden = !broken;
    place("results").hidden = broken;
    place("peek").textContent = broken ? place("broken").textContent : "";
    shown = broken ? null : work(question);
    if (shown) showAnswer(shown);
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
    const { params, tokens, teacherLoss } = SETTINGS.fitted;
    place("basis").textContent = `Coefficients: ${SETTINGS.set}. Fitted on models of `
      + `${size(params[0])} to ${size(params[1])} parameters, ${size(tokens[0])} to `
      + `${size(tokens[1])} tokens, teachers of loss ${teacherLoss[0]} to ${teacherLoss[1]}; `
      + `mean error ${percent(SETTINGS.resolution)}.`;
    fill(Inputs.fromLink(location.hash));
    let timer = null;
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(update, 60);
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    addEventListener("hashchange", () => {
      fill(Inputs.fromLink(location.hash));
      update();
    });
    addEventListener("resize", () => { if (shown) { drawTeachers(shown); drawBudgets(shown); } });
    place("copy-recipe").addEventListener("click", () => copy(place("recipe").value, "Recipe"));
    place("copy-link").addEventListener("click", () => copy(location.href, "Link"));
    new IntersectionObserver(([{ isIntersecting }]) => {
      place("peek").classList.toggle("away", isIntersecting);
    }).observe(place("verdict"));
    update();
  }

  return { start };
})();

Page.start();
