"use strict";
// From the form's text to a problem for the optimiser, or to an error beside each wrong field;
// and between the form and the link that carries it.

const Inputs = (() => {
  const SCALE = { "": 1, k: 1e3, m: 1e6, b: 1e9, g: 1e9, t: 1e12 };
  const HOUR = 3600, TERA = 1e12;

  /** 1B, 500M, 3e9, 1,000 as a number; NaN where it is none. */
  function quantity(text) {
    const match = /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?([kmbgt]?)$/i.exec(text.replace(/[\s,_]/g, ""));
    return match ? Number(match[1] + (match[2] ?? "")) * SCALE[match[3].toLowerCase()] : NaN;
  }

  const readers = (settings) => {
    /** Read a number in [low, high]; what is wrong with it goes into errors[field]. */
    const between = (low, high, what) => (text, field, errors, where = "") => {
      const value = quantity(text);
      if (value >= low && value <= high) return value;
      const found = text.trim() ? `“${text.trim()}” is not` : `${where || "This"} needs`;
      errors[field] ??= `${where && text.trim() ? `${where}: ` : ""}${found} ${what}.`;
      return NaN;
    };
    const [lowest, highest] = [settings.supervised.E, Math.log(settings.flops.vocabulary)];
    const losses = `${lowest} to ${highest.toFixed(1)}`;
    return {
      size: between(1e6, 1e12, "a size between 1M and 1T, such as 1B, 500M or 3e9"),
      flops: between(1e15, 1e30, "a number of FLOPs between 1e15 and 1e30, such as 1e21"),
      tokens: between(1e7, 1e16, "a number of tokens between 10M and 1e16, such as 50B"),
      hours: between(1e-2, 1e12, "a positive number of GPU-hours, such as 5000"),
      peak: between(1e-2, 1e6, "a positive number of TFLOP/s, such as 989"),
      percent: between(0.1, 100, "a percentage between 0.1 and 100"),
      share: between(0, 1, "a share between 0 and 1, such as 0.25"),
      count: between(1, 1e9, "a number of students, 1 or more"),
      loss: between(lowest, highest, `a loss that a model can have, in nats per token (${losses})`),
    };
  };

  /** Lines of name, size, loss (or size, loss); a heading without numbers is passed over. */
  function teachers(text, read, errors) {
    const rows = text.split("\n")
      .map((line, i) => ({ line: i + 1, cells: line.split(/[,;\t]/).map((c) => c.trim()) }))
      .filter(({ cells }) => cells.some((cell) => cell !== ""));
    if (rows.length && rows[0].cells.every((cell) => Number.isNaN(quantity(cell)))) rows.shift();
    if (!rows.length) errors.list = "This needs at least one teacher, such as: large, 7B, 2.05";
    return rows.map(({ line, cells }) => {
      if (cells.length !== 2 && cells.length !== 3) {
        errors.list ??= `Line ${line} has ${cells.length} entries; it must have name, size, loss.`;
      }
      const [size, loss] = cells.slice(-2);
      const params = read.size(size ?? "", "list", errors, `Line ${line}`);
      const named = cells.length === 3 && cells[0] !== "";
      return {
        name: named ? cells[0] : size,
        label: named ? `“${cells[0]}”` : `the ${size} teacher`,
        params,
        loss: read.loss(loss ?? "", "list", errors, `Line ${line}`),
      };
    });
  }

  /** The problem that the fields state: {problem, perUnit, unit, errors by field}. */
  function interpret(fields, settings) {
    const read = readers(settings), errors = {};
    const unit = fields.u;
    // FLOPs of one unit of the budget; a token's cost depends on the plan.
    let perUnit = unit === "flops" ? 1 : null, utilisation = null;
    if (unit === "hours") {
      utilisation = read.percent(fields.util, "util", errors) / 100;
      perUnit = read.peak(fields.peak, "peak", errors) * TERA * utilisation * HOUR;
    }
    const studentParams = read.size(fields.n, "n", errors);
    const budget = read[unit](fields.b, "b", errors);
    const maxTokens = fields.limit.trim() ? read.tokens(fields.limit, "limit", errors) : null;
    const deltaLgt = read.share(fields.lgt, "lgt", errors);
    let list = null, deltaPre = 0;
    if (fields.have === "none") {
      deltaPre = read.share(fields.pre, "pre", errors) / read.count(fields.k, "k", errors);
    } else if (fields.have === "one") {
      const params = read.size(fields.tn, "tn", errors);
      const loss = read.loss(fields.tl, "tl", errors);
      const name = fields.tn.trim();
      list = [{ name, label: `the ${name} teacher`, params, loss }];
    } else {
      list = teachers(fields.list, read, errors);
    }
    const problem = {
      studentParams, deltaLgt, deltaPre, maxTokens, teachers: list,
      compute: unit === "tokens" ? null : budget * perUnit,
      tokens: unit === "tokens" ? budget : null,
    };
    return { problem, budget, unit, perUnit, errors };
  }

  /** Fields that matter for a choice of unit and teacher; the link carries these. */
  function relevant({ u, have }) {
    return [
      "n", "b", "u", ...(u === "hours" ? ["peak", "util"] : []), "limit", "have",
      ...{ none: ["pre", "k"], one: ["tn", "tl"], list: ["list"] }[have], "lgt",
    ];
  }

  const toLink = (fields) =>
    new URLSearchParams(relevant(fields).map((name) => [name, fields[name]])).toString();
  const fromLink = (hash) => Object.fromEntries(new URLSearchParams(hash.replace(/^#/, "")));

  return { interpret, quantity, toLink, fromLink };
})();
