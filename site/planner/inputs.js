"use strict";
// From the form's text to a problem for the optimiser, or to an error beside each wrong field; and
// between the form, the link that carries it, and the same as text.

const Inputs = (() => {
  const HOUR = 3600, TERA = 1e12;
  const { read, doubt } = Units.create(SETTINGS.units);

  /** A reader that puts what is wrong, or doubtful, beside its field. */
  function reader(errors, doubts) {
    return function take(text, kind, field, where = "") {
      try {
        const value = read(text, kind);
        const question = doubt(value, kind);
        if (question) doubts[field] ??= where + question;
        return value;
      } catch (refused) {
        errors[field] ??= where + refused.message;
        return NaN;
      }
    };
  }

  /** Cells of a pasted line: by tabs, semicolons, or commas that are no decimal commas. */
  function cells(line) {
    const mark = [/\t/, /;/, /,\s+/, /,/].find((one) => one.test(line));
    return (mark ? line.split(mark) : [line]).map((cell) => cell.trim());
  }

  /** Lines of name, size, loss (or size, loss); a heading without numbers is passed over, and a
   *  line that cannot be read is left out where others can. */
  function teachers(text, readers, errors, doubts) {
    const rows = text.split("\n").map((line, i) => ({ line: i + 1, cells: cells(line) }))
      .filter((row) => row.cells.some((cell) => cell !== ""));
    if (rows.length && rows[0].cells.every((cell) => !/\d/.test(cell))) rows.shift();
    if (!rows.length) {
      errors.list = `This needs at least one teacher, such as: ${SETTINGS.opening.list.split("\n").at(-1)}`;
    }
    const wrong = [];
    const read = rows.map(({ line, cells: row }) => {
      const faults = {}, [take, takeLoss] = readers(faults);
      if (row.length !== 2 && row.length !== 3) {
        faults.list = `Line ${line} has ${row.length} entries; it must have name, size, loss.`;
      }
      const [size, loss] = row.slice(-2);
      const params = take(size ?? "", "size", "list", `Line ${line}: `);
      const named = row.length === 3 && row[0] !== "";
      const teacher = {
        name: named ? row[0] : size, label: named ? `“${row[0]}”` : `the ${size} teacher`,
        params, loss: takeLoss(loss ?? "", params, "list", `Line ${line}: `),
      };
      if (faults.list) wrong.push(faults.list);
      return faults.list ? null : teacher;
    }).filter(Boolean);
    if (wrong.length && read.length) {
      doubts.list = `Left out: ${wrong.join(" ")}`;
    } else if (wrong.length) {
      errors.list ??= wrong[0];
    }
    return read;
  }

  /** A reader of losses in the unit chosen, as nats per token. */
  function lossReader(fields, take) {
    const unit = fields.lu;
    const bytes = unit === "bpb" ? take(fields.bpt, "bytes", "bpt") : null;
    return (text, field, where = "") =>
      Units.inNats(take(text, Units.KIND[unit], field, where), unit, bytes);
  }

  /** The same, where a loss that no teacher has is refused: the unit must be another one. */
  function teacherLossReader(fields, takeLoss, measured, errors) {
    const law = Law.create(SETTINGS.central, SETTINGS.flops);
    const laws = measured ? Law.shifts(law, measured) : [law];
    return function takeTeacherLoss(text, params, field, where = "") {
      const nats = takeLoss(text, field, where);
      if (Number.isNaN(nats) || errors[field]) return nats;
      const least = Math.min(...laws.map((one) => one.irreducible));
      const few = Math.min(1e9, 5 * params); // hardly ever is a model left worse than after these
      const after = Math.max(...laws.map((one) => one.supervisedLoss(params, few)));
      const known = `${where}${nats.toFixed(2)} nats per token is`;
      const other = measured ? "" : " If it is other text, give a model of yours below.";
      const [whose, unit] = [measured || SETTINGS.whose ? "this text" : "English text", fields.lu];
      if (nats < least) {
        errors[field] = `${known} less than ${whose} leaves to any model (${least.toFixed(2)}). `
          + `${{ nats: "Are these bits per byte", ppl: "Are these nats" }[unit] ?? "Is it the unit"}`
          + `?${other}`;
      } else if (nats > Math.max(after, 3.5, SETTINGS.fitted.teacherLoss[1])) {
        errors[field] = `${known} more than a model of this size has after ${Words.size(few)} tokens `
          + `(${after.toFixed(2)}). `
          + `${{ nats: "Is it a perplexity", bpb: "Are these nats" }[unit] ?? "Is it the unit"}?`
          + other;
      }
      return nats;
    };
  }

  /** FLOP/s of one GPU, from any usual name or its peak, and its utilisation. */
  function speed(fields, take) {
    const bare = fields.peak.toLowerCase().replace(/[^a-z0-9]/g, "").replace(/^(nvidia|amd)/, "");
    const form = "(sxm\\d*|pcie|nvl|hbm\\de?)?";
    const named = Object.entries(SETTINGS.gpus).find(([name]) =>
      new RegExp(`^${name.toLowerCase()}${form}(\\d+gb)?${form}$`).test(bare));
    const peak = named ? named[1] : take(fields.peak, "teraflops", "peak");
    return peak * TERA * take(fields.util, "utilisation", "util");
  }

  /** The problem that the fields state, with errors and doubts by field. */
  function interpret(fields) {
    const errors = {}, doubts = {};
    const take = reader(errors, doubts);
    const takeAnyLoss = lossReader(fields, take);
    const own = measured(fields, take, takeAnyLoss, errors);
    const takeLoss = teacherLossReader(fields, takeAnyLoss, own, errors);
    const optional = (name, kind) => (fields[name].trim() ? take(fields[name], kind, name) : null);
    const unit = fields.u;
    const perHour = speed(fields, take) * HOUR;
    const perUnit = { flops: 1, tokens: null, hours: perHour }[unit];
    const studentParams = take(fields.n, "size", "n");
    const budget = take(fields.b, unit, "b");
    if (unit === "hours" && !errors.b && budget * perHour > SETTINGS.units.kinds.flops.usual_high) {
      doubts.b ??= "Is this right? It is more compute than any model has cost.";
    }
    const maxTokens = optional("limit", "tokens");
    const students = take(fields.k, "count", "k");
    const stored = fields.how === "stored";
    const deltaLgt = take(fields.lgt, "share", "lgt") / (stored ? students : 1);
    const entries = stored && fields.entries.trim() && !/^all$/i.test(fields.entries.trim())
      ? take(fields.entries, "count", "entries") : null;
    let list = null, deltaPre = 0;
    if (fields.have === "none") {
      deltaPre = take(fields.pre, "share", "pre") / students;
    } else if (fields.have === "one") {
      const params = take(fields.tn, "size", "tn");
      const loss = takeLoss(fields.tl, params, "tl");
      const name = fields.tn.trim();
      list = [{ name, label: `the ${name} teacher`, params, loss }];
    } else {
      const readers = (faults) => {
        const takeRow = reader(faults, doubts);
        return [takeRow, teacherLossReader(fields, lossReader(fields, takeRow), own, faults)];
      };
      list = teachers(fields.list, readers, errors, doubts);
    }
    const problem = {
      studentParams, deltaLgt, deltaPre, maxTokens, teachers: list,
      compute: unit === "tokens" ? null : budget * perUnit,
      tokens: unit === "tokens" ? budget : null, serve: optional("serve", "tokens"),
    };
    const serving = (problem.serve ?? 0) * Law.create(SETTINGS.central, SETTINGS.flops)
      .forwardFlops(studentParams || 1);
    if (problem.compute !== null && serving >= problem.compute) {
      errors.serve ??= "Serving so many tokens costs more than the whole budget.";
    }
    return {
      problem, budget, unit, perUnit, perHour, errors, doubts, students, stored, entries,
      measured: own,
      gpus: optional("gpus", "count"), price: optional("price", "money"),
      serve: problem.serve,
      lossUnit: fields.lu, bytes: fields.lu === "bpb" && !errors.bpt ? read(fields.bpt, "bytes") : null,
      lossStep: step(fields.have === "one" ? fields.tl : ""),
    };
  }

  /** Half a unit of the last digit typed: how far the number may be from the one meant. */
  function step(text) {
    const match = /[.,](\d+)$/.exec(text.trim());
    return match ? 0.5 * 10 ** -match[1].length : 0;
  }

  /** A model of the reader's own, trained on data: all three fields or none. */
  function measured(fields, take, takeLoss, errors) {
    if (![fields.cn, fields.cd, fields.cl].some((text) => text.trim())) return null;
    const params = take(fields.cn, "size", "cn"), tokens = take(fields.cd, "tokens", "cd");
    const loss = takeLoss(fields.cl, "cl");
    if (errors.cn || errors.cd || errors.cl) return null;
    const expected = Law.create(SETTINGS.central, SETTINGS.flops).supervisedLoss(params, tokens);
    if (loss / expected < 0.5 || loss / expected > 2) {
      errors.cl ??= `The law expects ${expected.toFixed(2)} nats of this model, you measured `
        + `${loss.toFixed(2)}: too far apart to shift it. Is it the unit?`;
      return null;
    }
    return { params, tokens, loss };
  }

  /** Fields that matter for a choice of unit and teacher; the link carries these. */
  function relevant({ u, have, lu, how, cn, cd, cl }) {
    return [
      "n", "b", "u", "limit", "serve", "have", ...(have === "none" ? ["pre"] : []), "lgt", "how",
      ...(how === "stored" ? ["entries"] : []), "k",
      ...{ none: [], one: ["tn", "tl"], list: ["list"] }[have],
      ...(have === "none" && !(cn || cd || cl) ? [] : ["lu", ...(lu === "bpb" ? ["bpt"] : [])]),
      ...(cn || cd || cl ? ["cn", "cd", "cl"] : []), "peak", "util", "gpus", "price",
    ];
  }

  const toLink = (fields) => new URLSearchParams(relevant(fields)
    .filter((name) => fields[name] !== "").map((name) => [name, fields[name]])).toString();
  const fromLink = (hash) => Object.fromEntries(new URLSearchParams(hash.replace(/^.*#/, "")));

  return { interpret, read, relevant, toLink, fromLink };
})();
