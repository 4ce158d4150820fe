"use strict";
// The charts, the split of the compute and the tables of an answer.

const Pictures = (() => {
  const { loss, size, percent, range } = Words;
  // The palette is the stylesheet's, so that the dark page has its own.
  const COLORS = Object.fromEntries(
    ["distil", "data", "mark", "other", "faint", "student", "inference", "pretraining", "serving",
      "third"]
      .map((name) => [name, `var(--${name})`]),
  );
  const drawn = (x) => (Number.isFinite(x) ? Math.min(x, Words.GUESS) : x);
  const place = (id) => document.getElementById(id);

  function make(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function table(into, head, rows) {
    const line = (cells, tag) => make("tr", {}, ...cells.map((cell, i) =>
      make(i && tag === "td" ? "td" : "th", { scope: tag === "th" ? "col" : "row" }, cell)));
    into.replaceChildren(
      make("thead", {}, line(head, "th")),
      make("tbody", {}, ...rows.map((cells) => line(cells, "td"))),
    );
  }

  function split({ best }) {
    if (!best) return place("split").replaceChildren();
    const parts = [
      ["student", "student training"], ["inference", "teacher inference"],
      ["pretraining", "teacher training"], ["serving", "serving the student"],
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
    const caption = make("p", { class: "caption" }, "How the compute splits when you distil");
    return place("split").replaceChildren(caption, bar, words);
  }

  function teachers(w, law, ideal) {
    const { best, plans, supervised, problem, ranges } = w;
    place("best-teacher").hidden = !best;
    if (!best) return;
    const tokens = best.studentTokens;
    const at = (l) => law.studentLoss(problem.studentParams, tokens, l);
    const losses = [ideal, ...plans.map((p) => p.teacher.loss)];
    const low = Math.max(law.irreducible, Math.min(...losses) - 0.4);
    const high = Math.max(...losses) + 0.4;
    const xs = Array.from({ length: 161 }, (_, i) => low + ((high - low) * i) / 160);
    const points = xs.map((l) => [l, drawn(at(l))]);
    const values = [...points.map((p) => p[1]), ...ranges.supervised, ...ranges.distilled,
      ...plans.map((p) => p.loss)].map(drawn);
    const y = { low: Math.min(...values) - 0.05, high: Math.max(...values) + 0.05 };
    const marks = [
      { x: ideal, y: drawn(at(ideal)), color: COLORS.distil, hollow: true, label: "best teacher loss" },
      ...plans.filter((p) => p !== best).map((p) => ({
        x: p.teacher.loss, y: drawn(p.loss), color: COLORS.other, hollow: true,
        label: `${p.teacher.name}: ${loss(p.loss)}`,
      })),
      {
        x: best.teacher.loss, y: drawn(best.loss), color: COLORS.mark, label: "the chosen teacher",
        low: drawn(ranges.distilled[0]), high: drawn(ranges.distilled[1]),
      },
    ];
    Chart.draw(place("teacher-chart"), {
      title: `Student loss against teacher loss, for ${size(tokens)} tokens; chosen teacher `
        + `at ${loss(best.teacher.loss)}, student ${loss(best.loss)}`,
      x: { low, high, label: "teacher loss (nats per token)" },
      y: { ...y, label: "student loss" },
      bands: [{
        points: [low, high].map((l) => [l, ...ranges.supervised.map(drawn)]), color: COLORS.data,
      }],
      lines: [
        { points: [[low, low], [high, high]], color: COLORS.faint, width: 1 },
        {
          points: [low, high].map((l) => [l, drawn(supervised.loss)]),
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
      { dot: true, color: COLORS.mark, label: `${mine}, with its range` },
      ...(plans.length > 1
        ? [{ dot: true, hollow: true, color: COLORS.other, label: "your others, on their tokens" }]
        : []),
      { dot: true, hollow: true, color: COLORS.distil, label: "best teacher, at any cost" },
      { color: COLORS.faint, label: "student = teacher" },
    ]);
    const lost = best.loss - at(ideal);
    const side = best.teacher.loss < ideal ? "too strong" : "too weak";
    const [least, most] = SETTINGS.fitted.teacherLoss;
    const far = !w.measured && (ideal < least || ideal > most);
    let words = `For this student on ${size(tokens)} tokens the best teacher has a loss of `
      + `${loss(ideal)}${far ? " (there the law extrapolates)" : ""} and gives ${loss(at(ideal))}.`;
    if (lost > w.error && !w.isNew) {
      words += ` The chosen one, ${loss(best.teacher.loss)}, is ${side}, which costs ${loss(lost)}.`;
      if (side === "too strong") words += " This is the capacity gap.";
    } else if (lost > w.error) {
      words += ` It would cost too much: the optimum stops at ${loss(best.teacher.loss)}.`;
    }
    place("teacher-caption").textContent = words;
  }

  function budgets(w) {
    if (!w.curve) return;
    const { bands, best, budget, unit, flips, inUnit, ranges } = w;
    const at = (row) => inUnit(row.budget);
    const [data, distilled] = ["supervised", "distilled"].map((key) =>
      bands.map((row) => [at(row), drawn(row[key][1])]));
    const values = [...data.map((p) => p[1]), ...distilled.map((p) => p[1]), ...ranges.supervised,
      ...(best ? ranges.distilled : [])].filter(Number.isFinite).map(drawn);
    const x = {
      low: budget / 30, high: budget * 30, log: true, format: Words.budgetTick[unit],
      label: { flops: "budget (FLOPs)", tokens: "student tokens", hours: "GPU-hours" }[unit],
    };
    const inside = flips.map((f) => inUnit(f.budget)).filter((b) => b > x.low && b < x.high);
    Chart.draw(place("budget-chart"), {
      title: "Expected loss against budget, distilled and trained on data",
      x,
      y: { low: Math.min(...values) - 0.03, high: Math.max(...values) + 0.03, label: "student loss" },
      bands: [["supervised", COLORS.data], ["distilled", COLORS.distil]].map(([key, color]) => ({
        color, points: bands.map((row) => [at(row), drawn(row[key][0]), drawn(row[key][2])]),
      })),
      lines: [
        { points: data, color: COLORS.data, dash: "2 4", width: 2 },
        { points: distilled, color: COLORS.distil },
      ],
      verticals: [
        { x: budget, label: "your budget" },
        ...inside.map((b) => ({ x: b, label: "flips", dash: "4 4", row: 1 })),
      ],
      marks: best ? [{
        x: budget, y: drawn(best.loss), color: COLORS.mark, label: loss(best.loss),
        low: drawn(ranges.distilled[0]), high: drawn(ranges.distilled[1]),
      }] : [],
    });
    Chart.legend(place("budget-legend"), [
      { color: COLORS.distil, label: w.isNew ? "distilling, teacher trained for it" : "distilling" },
      { color: COLORS.data, dash: "2 4", label: "training on data; bands: 9 of 10 laws" },
    ]);
    place("budget-caption").textContent = w.isNew && !w.fixedTokens
      ? "The compute-optimal losses: every point has its own best teacher."
      : w.fixedTokens ? "At equal student tokens, whatever the teacher costs."
        : "At equal total compute.";
    optima(w, x);
  }

  function optima({ curve, isNew, inUnit }, x) {
    const rows = curve.filter((row) => row.best);
    place("optima").hidden = !isNew || !rows.length;
    if (!isNew || !rows.length) return;
    const lines = [
      ["student tokens", COLORS.distil, (p) => p.studentTokens],
      ["teacher tokens", COLORS.mark, (p) => p.teacher.tokens],
      ["teacher size", COLORS.third, (p) => p.teacher.params],
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

  function shelf({ problem, plans, best, supervised, ranges, error }) {
    const many = problem.teachers !== null && plans.length > 1;
    place("shelf").hidden = !many;
    if (!many) return;
    const rows = plans.map((p, i) => ({ p, band: ranges.each[i] }))
      .sort((a, b) => a.p.loss - b.p.loss).map(({ p, band }) => {
        const gain = supervised.loss - p.loss;
        return [
          Words.short(p.teacher.name) + (p === best ? " ✓" : ""),
          `${size(p.teacher.params)} at ${loss(p.teacher.loss)}`, size(p.studentTokens), `${loss(p.loss)} (${range(band)})`,
          Math.abs(gain) <= error ? "no difference"
            : `${gain > 0 ? "gains" : "loses"} ${loss(Math.abs(gain))}`,
        ];
      });
    table(place("teachers"), [
      "Teacher", "size, loss", "tokens", "student loss", "against data",
    ], rows);
  }

  function sizes({ sizes: rows, problem, serve }) {
    place("sizes").hidden = !rows?.length;
    if (!rows?.length) return;
    const least = rows.reduce((a, b) => (b.loss < a.loss ? b : a));
    const how = { distil: "distil", "train on data": "on data", undecided: "undecided" };
    const shown = (row) => {
      if (!row.tokens) return ["none", "serving it costs more", "–"];
      if (row.loss > Words.GUESS) return [size(row.tokens), "no loss of a model", "–"];
      return [size(row.tokens), how[row.verdict], `${loss(row.loss)} (${range(row.range)})`];
    };
    table(place("sizes-table"), ["Student", "tokens", "better way", "loss (in 9 of 10 laws)"],
      rows.map((row) => [
        size(row.params) + (row.params === problem.studentParams ? " (yours)" : "")
          + (row === least && row.loss <= Words.GUESS ? " ✓" : ""),
        ...shown(row),
      ]));
    place("sizes-caption").textContent = serve
      ? `The same compute for training and for serving ${size(serve)} tokens, for other sizes.`
      : "The same compute for other sizes; say how many tokens it will serve, and that is paid too.";
  }

  return { budgets, make, place, shelf, sizes, split, table, teachers };
})();
