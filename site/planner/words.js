"use strict";
// Numbers and sentences: what the page says about an answer. Nothing here touches the page.

const Words = (() => {
  const digits = (x, n) => Number(x.toPrecision(n));
  /** A loss above this is no model's, whatever a law puts there. */
  const GUESS = SETTINGS.guess.loss;
  const loss = (x) => (x > GUESS ? `above ${GUESS.toFixed(3)}` : x.toFixed(3));
  const percent = (x) => `${digits(100 * x, 2)}%`;
  const unspent = (x) => (x < 0.995 ? percent(x) : "more than 99%");
  function power(x) {
    const [mantissa, exponent] = x.toExponential(2).split("e").map(Number);
    const raised = String(exponent).replace(/\d|-/g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"["0123456789-".indexOf(c)]);
    return mantissa === 1 ? `10${raised}` : `${mantissa} × 10${raised}`;
  }
  function size(x) {
    for (const [unit, scale] of [["T", 1e12], ["B", 1e9], ["M", 1e6], ["k", 1e3]]) {
      if (x >= scale * 0.9995) {
        return x < 1e16 ? `${digits(x / scale, 3).toLocaleString("en")}${unit}` : power(x);
      }
    }
    return String(digits(x, 3));
  }
  function bytes(x) {
    const units = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"];
    const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(x) / 3)));
    return `${digits(x / 1000 ** step, 3)} ${units[step]}`;
  }
  const plain = (x) => x.toLocaleString("en", { maximumSignificantDigits: 3 });
  const hours = (x) => (x < 1e7 ? plain(x) : size(x));
  const times = (x) => (x < 1e4 ? String(digits(x, 2)) : power(x));
  const range = (ends, show = loss) => {
    const [low, high] = ends.map(show);
    return low === high ? low : `${low} to ${high}`;
  };
  const budget = {
    flops: (x) => `${power(x)} FLOPs`,
    tokens: (x) => `${size(x)} student tokens`,
    hours: (x) => `${hours(x)} GPU-hours`,
  };
  const budgetTick = { flops: power, tokens: size, hours };
  const better = { distil: "distilling", train: "training on data" };
  /** "an 8.15B teacher", "a 1.8B teacher". */
  const article = (word) => (/^(8|1[18](\D|$))/.test(word) ? "an" : "a");
  const short = (name) => (name.length > 40 ? `${name.slice(0, 38)}…` : name);

  function teacherOf(w) {
    const teacher = size(w.best.teacher.params);
    return w.isNew ? `${article(teacher)} ${teacher} teacher that you train for it`
      : w.best.teacher.label;
  }

  function decision(w) {
    if (!w.best) return "Train on data, without a teacher";
    if (w.verdict === "train on data") return "Train on data, without a teacher";
    if (w.verdict === "undecided") {
      const split = w.ranges.gain[0] <= 0 && w.ranges.gain[1] >= 0;
      return `Undecided: ${split ? "the laws do not agree" : "no difference that a run would show"}`;
    }
    // With data to spare the teacher's compute may be better spent on it.
    const spare = w.equal && w.equal.loss < w.best.loss - w.error;
    return `Distil from ${teacherOf(w)}${spare ? ", if these tokens are all you have" : ""}${readAgain(w)}`;
  }

  /** Whether the text read again without a teacher does better, or may do as well. */
  function readAgain({ again, taughtAgain, supervised, best, error }) {
    if (!again) return "";
    const taught = taughtAgain ?? { low: 0, high: 0 }, ahead = supervised.loss - best.loss;
    if (ahead + taught.high - again.low < -error) {
      return "; but training on the text again and again, without a teacher, does better";
    }
    const close = ahead + taught.low - again.high < error;
    return close ? "; but training on the text again and again may do as well" : "";
  }

  /** Nats per token gained by distilling, and the range of it, in words. */
  function gainWords({ gain, ranges }) {
    const [low, high] = ranges.gain;
    const side = (x) => (Math.abs(x) < 0.0005 ? "as good"
      : `${loss(Math.abs(x))} ${x < 0 ? "worse" : "better"}`);
    if (low < 0 && high > 0) {
      return `Distilling is ${side(gain)} in the middle of the laws, which range from ${side(low)} `
        + `to ${side(high)}.`;
    }
    const ends = [low, high].map(Math.abs).sort((a, b) => a - b);
    return `Distilling is ${side(gain)} (${range(ends)}).`;
  }

  function reason(w) {
    const { best, supervised, error, fixedTokens, equal, verdict, ranges, problem } = w;
    const data = `${loss(supervised.loss)} (${range(ranges.supervised)})`;
    if (!best) {
      const short = problem.maxTokens !== null && problem.maxTokens <= SETTINGS.box.tokens[0];
      const cause = short ? "So few tokens do not do" : "The budget does not pay";
      return `${cause} for even the smallest teacher. Trained on data, the student ends at a loss of `
        + `${data}.`;
    }
    const same = fixedTokens ? "the same tokens" : "the same budget";
    let words = `Distilled from ${w.isNew ? "the best teacher" : best.teacher.label}, the student `
      + `ends at a loss of ${loss(best.loss)} (${range(ranges.distilled)}); trained on data with `
      + `${same}, at ${data}. ${gainWords(w)}`;
    if (verdict === "undecided") {
      if (Math.abs(w.gain) <= error) words += ` A run scatters by some ${loss(error)} about its law.`;
      words += " Training on data is simpler.";
    }
    if (equal && verdict === "distil") {
      const buys = `The same compute, spent without a teacher on ${size(equal.studentTokens)} `
        + `tokens of data, would give ${loss(equal.loss)} (${range(ranges.equal)})`;
      const limited = problem.maxTokens !== null && equal.studentTokens >= problem.maxTokens * 0.999;
      if (equal.loss - best.loss > error) words += ` ${buys}: at equal compute the answer is the same.`;
      else if (limited) words += ` ${buys}.`;
      else if (best.loss - equal.loss <= error) {
        words += ` ${buys}: if you have that much data, the two are as good.`;
      } else words += ` ${buys}: if you have that much data, train on it instead.`;
    }
    return words;
  }

  function agreement({ ranges, measured }) {
    const count = SETTINGS.ensemble.length;
    const among = `${ranges.laws < ranges.of ? "some of the " : ""}${count} laws that fit the `
      + `${SETTINGS.whose ? "same" : "paper's"} runs${measured ? ", each shifted in both ways," : ""}`;
    const form = SETTINGS.whose ? "" : " The range on data is that of Table 6's coefficients: no error "
      + "of the law's form is in it.";
    return `Losses and gain are the middle of ${among}; in brackets: where 9 of 10 of them lie, in the `
      + `gain's also what such laws missed on runs kept from them.${forms(ranges)}${form}`;
  }

  /** Which forms of the law say what, so that nothing counts forms. */
  function forms({ forms: found }) {
    const names = Object.keys(found ?? {});
    if (names.length < 2) return "";
    const said = (test) => names.filter((name) => test(found[name])).join(", ").replaceAll("_", " ");
    const parts = [
      ["gains", said(([low]) => low > 0)], ["loses", said(([, high]) => high < 0)],
      ["may gain or lose", said(([low, high]) => low <= 0 && high >= 0)],
    ].filter(([, which]) => which);
    if (parts.length === 1) return ` Under every form of the law distilling ${parts[0][0]}.`;
    return ` By the form of the law: distilling ${parts.map(([what, which]) => `${what} (${which})`).join(", ")}.`;
  }

  /** Up to which loss of this teacher distilling wins. */
  function turn(w) {
    if (!w.ranges.turn) return "";
    const [low, high] = w.ranges.turn, mine = w.best.teacher;
    const size = w.problem.teachers.length > 1 ? mine.label : "a teacher of this size";
    if (high === -Infinity) {
      return `On these tokens training on data is better whatever the loss of ${size}.`;
    }
    const between = low === -Infinity ? `at most ${loss(high)}, in some laws none`
      : `${range([low, high])} in 9 of 10 laws`;
    const here = w.turn === -Infinity ? `In the middle of the laws no loss of ${size} is low enough; the `
      + `limit is ${between}.` : `Distilling from ${size} wins up to a teacher loss of `
      + `${loss(w.turn)} (${between}).`;
    const ends = w.lossStep && w.problem.teachers.length === 1 && w.typed
      ? `, as typed ${range(w.typed)}` : "";
    return `${here} Yours is ${loss(mine.loss)}${ends}.`;
  }

  /** Budgets between which the laws disagree, as far as they were looked at. */
  function disagreement({ bands, unit, inUnit }) {
    if (!bands) return "";
    // By the verdict's own measure, or the two would contradict each other.
    const split = bands.filter(({ share }) => Math.min(share, 1 - share) > (1 - SETTINGS.agreement) / 2)
      .map((row) => row.budget);
    if (!split.length) return "";
    const shown = [split[0], split.at(-1)].map((b) => budgetTick[unit](inUnit(b)));
    const [first, last] = [bands[0].budget === split[0], bands.at(-1).budget === split.at(-1)];
    const where = first && last ? `all over ${shown[0]} to ${shown[1]}` : first ? `up to ${shown[1]}`
      : last ? `from ${shown[0]} on` : `from ${shown[0]} to ${shown[1]}`;
    return ` The laws disagree ${where}${first || last ? ", as far as the picture below goes" : ""}.`;
  }

  function flips(w) {
    const { budget: mine, unit, inUnit, central } = w;
    const shown = (flip) => {
      const value = inUnit(flip.budget), ratio = value / mine;
      const often = ratio > 1 ? `${times(ratio)} times yours` : `1/${times(1 / ratio)} of yours`;
      const far = flip.tokens < SETTINGS.fitted.tokens[0] || flip.tokens > SETTINGS.fitted.tokens[1];
      return `${budget[unit](value)} (${often}${far ? "; there the law extrapolates" : ""})`;
    };
    const here = w.fixedTokens ? w.problem.tokens : w.problem.compute;
    const above = w.flips.find((f) => f.budget > here);
    const below = w.flips.filter((f) => f.budget <= here).at(-1);
    const words = [];
    if (above) words.push(`Above ${shown(above)} ${better[above.above]} has the lower loss.`);
    if (below) {
      const other = below.above === "distil" ? "train" : "distil";
      words.push(`Below ${shown(below)} ${better[other]} has the lower loss.`);
    }
    if (!words.length) {
      const [low, high] = w.scanned.map((b) => budget[unit](inUnit(b)));
      words.push(`Nowhere between ${low} and ${high}: ${better[central.gain > 0 ? "distil" : "train"]} has `
        + "the lower loss throughout.");
    }
    return `By the law of these plans alone: ${words.join(" ")}${disagreement(w)}`;
  }

  function warnings(w) {
    const { best, supervised, problem, isNew } = w;
    const { studentParams, studentTokens, params, tokens, teacherLoss } = SETTINGS.fitted;
    const found = [], outside = [];
    const check = (what, value, [low, high], format) => {
      if (value >= low * 0.999 && value <= high * 1.001) return;
      const far = digits(Math.max(low / value, value / high), 3);
      outside.push(`${what} ${format(value)} (fitted on ${format(low)} to ${format(high)}: ${far} `
        + "times beyond)");
    };
    check("student size", problem.studentParams, best ? studentParams : params, size);
    if (best) {
      const { teacher } = best;
      check("student tokens when distilling", best.studentTokens, studentTokens, size);
      check("teacher size", teacher.params, params, size);
      if (!w.measured) check("teacher loss", teacher.loss, teacherLoss, loss);
      if (isNew) check("teacher tokens", teacher.tokens, tokens, size);
      else if (w.neededTokens === Infinity) {
        found.push(`By the law no model of ${size(teacher.params)} reaches a loss of `
          + `${loss(teacher.loss)}, however long it is trained: is the loss measured as the law's?`);
      }
      const most = Math.min(problem.maxTokens ?? Infinity, SETTINGS.box.tokens[1]);
      if (isNew && teacher.tokens >= most * 0.999) {
        found.push(problem.maxTokens
          ? "The teacher's tokens are your data limit." : "The teacher's training costs you nothing "
          + "here, so its tokens run to the end of the search: read “as long as possible”.");
      }
      if (isNew && teacher.params >= SETTINGS.box.params[1] * 0.999) {
        found.push("The teacher's size runs to the end of the search.");
      }
    }
    check("tokens when training on data", supervised.studentTokens, tokens, size);
    for (const [plan, what] of [[best, "distilling"], [supervised, "training on data"]]) {
      if (!plan || w.fixedTokens || plan.compute >= problem.compute * 0.999) continue;
      const cause = problem.maxTokens !== null && plan.studentTokens >= problem.maxTokens * 0.999
        ? "The data limit" : "The end of the search";
      found.push(`${cause} leaves ${unspent(1 - plan.compute / problem.compute)} of the budget `
        + `unspent when ${what}.`);
    }
    if (Math.max(w.central.supervised.loss, w.central.best?.loss ?? 0) > GUESS) {
      found.unshift(`A loss above ${SETTINGS.guess.what} (${loss(GUESS)}): the law says nothing here.`);
    }
    if (outside.length) {
      found.unshift("This answer is an extrapolation. Outside what the law was fitted on: "
        + `${outside.join("; ")}.`);
    }
    return found;
  }

  /** The plans side by side: a heading, and rows of label and one cell a plan. */
  function plan(w) {
    const { problem, best, supervised, equal, ranges } = w;
    const plans = [best, supervised, equal].filter(Boolean);
    const bands = new Map([
      [best, ranges.distilled], [supervised, ranges.supervised], [equal, ranges.equal],
    ]);
    const each = (label, show) => [label, ...plans.map(show)];
    const teacher = (show) => (p) => (p.teacher ? show(p.teacher) : "none");
    const withRange = (text, ends, show) =>
      (w.isNew && ends && show(ends[0]) !== show(ends[1]) ? `${text} (${range(ends, show)})` : text);
    const most = Math.min(problem.maxTokens ?? Infinity, SETTINGS.box.tokens[1]);
    const bound = most === problem.maxTokens ? " (your limit)" : " (a bound)";
    const ended = (tokens) => (!w.fixedTokens && tokens >= most * 0.999 ? bound : "");
    const rows = [
      each("Expected loss", (p) => loss(p.loss)),
      each("… in 9 of 10 laws", (p) => range(bands.get(p))),
    ];
    const other = w.lossUnit === "nats" ? "ppl" : w.lossUnit;
    const name = { ppl: "… as perplexity", bpb: "… as bits per byte", bits: "… as bits per token" }[other];
    rows.push(each(name, (p) => (p.loss > GUESS ? "–"
      : String(digits(Units.outOfNats(p.loss, other, w.bytes), 3)))));
    rows.push(
      each("Student size", () => size(problem.studentParams)),
      each("Student tokens", (p) => (p === best
        ? withRange(size(p.studentTokens), ranges.studentTokens, size) + ended(p.studentTokens)
        : size(p.studentTokens) + (problem.maxTokens === null ? "" : ended(p.studentTokens)))),
      each("… per parameter", (p) => plain(p.studentTokens / problem.studentParams)),
      each("Teacher size", teacher((t) => withRange(size(t.params), ranges.teacherParams, size))),
      each("Teacher loss", teacher((t) => withRange(loss(t.loss), ranges.teacherLoss, loss))),
      each(w.isNew ? "Teacher tokens" : "Teacher tokens, by its loss", teacher((t) => {
        if (t.tokens) return size(t.tokens) + ended(t.tokens);
        return w.neededTokens === Infinity ? "no number" : `≈ ${size(w.neededTokens)}`;
      })),
      each("FLOPs", (p) => power(p.compute)),
      each("GPU-hours", (p) => hours(p.compute / w.perHour)),
    );
    if (w.gpus) {
      rows.push(each(`Days on ${w.gpus} GPUs`, (p) => hours(p.compute / w.perHour / w.gpus / 24)));
    }
    if (w.price !== null) rows.push(each("Price", (p) => plain((p.compute / w.perHour) * w.price)));
    const mark = (p) => (w.verdict !== "undecided" && (w.verdict === "distil") === (p === best) ? "✓ " : "");
    const head = [""];
    if (best) head.push(`${mark(best)}Distil`);
    head.push(`${mark(supervised)}On data${w.fixedTokens ? ", same tokens" : ""}`);
    if (equal) head.push("On data, same compute");
    return { head, rows };
  }

  /** Bytes of the teacher's stored outputs, and what our own small runs say of leaving some out. */
  function storage({ best, entries, stored }) {
    if (!stored || !best) return "";
    const { vocabulary } = SETTINGS.flops, { truncation } = SETTINGS;
    const index = Math.ceil(Math.log2(vocabulary) / 8);
    const perToken = (k) => (k === null || k >= vocabulary ? 4 * vocabulary : k * (4 + index));
    const total = (k) => `${bytes(perToken(k) * best.studentTokens)} (${perToken(k)} bytes a token)`;
    const kept = entries === null ? `All ${vocabulary.toLocaleString("en")} entries` : `${entries} entries`;
    const cost = ({ low, high }) => `${loss(low)} to ${loss(high)} nats`;
    const few = truncation.entries.filter(({ kept: k }) => k === 8 || k === 16)
      .map((row) => `${cost(row)} on ${row.kept} entries`).join(", ");
    const mass = truncation.mass.filter(({ kept: p }) => p === 0.99)
      .map((row) => `${cost(row)} on those that hold a mass of 0.99`).join("");
    const twelve = cost(truncation.drawn.find(({ kept: m }) => m === 12));
    return `${kept} of ${size(best.studentTokens)} tokens, in float32, take ${total(entries)}`
      + `${entries === null ? `; 128 would take ${total(128)}` : ""}. The losses above are those of `
      + "whole distributions. What the likeliest entries alone cost is not known at this vocabulary: "
      + `our own small students, of 27 symbols (notebook 10), lost ${few}, and ${mass}. Symbols `
      + `drawn at random are right on average and take only their index: 12 of them, ${12 * index} bytes `
      + `a token, cost small students ${twelve} (notebook 18).`;
  }

  /** What a data limit leaves of the budget: a bigger student, or the same text again. */
  function leftover({ spend, problem, best, supervised, again, taughtAgain }) {
    const words = [];
    if (spend) {
      const what = spend.how === "distil" ? "distilled as above" : "trained on data";
      words.push(`On the ${size(problem.maxTokens)} tokens that there are, the whole budget pays for a `
        + `student of ${size(spend.params)}, ${what}: a loss of ${loss(spend.loss)} instead of `
        + `${loss(spend.before)}. A bigger student costs more to serve.`);
    }
    for (const [way, from, told] of [
      ["training on data", supervised, again], ["distilling", best, taughtAgain],
    ]) {
      if (!told) continue;
      const ends = [told.high, told.low].map((gain) => from.loss - gain);
      words.push(`Read again, ${digits(told.epochs, 3)} epochs (${size(told.tokens)} tokens)`
        + `${told.allSpent ? "" : ", where the runs that tell it end"}: ${way} comes to `
        + `${loss(from.loss - told.gain)} (${range(ends)}).`);
    }
    if (taughtAgain) words.push("That a teacher stretches the text fourfold is of small scale (notebook 20).");
    if (spend && !again) {
      words.push("Going over the same tokens again is the other way to spend it; the laws know fresh "
        + "tokens only.");
    }
    return words.join(" ");
  }

  /** Labels beside the teacher, where a run would show what they gain. */
  function mixed({ mixed: told, error }) {
    if (!told || told.gain <= error) return "";
    const [low, high] = [told.low, told.gain].map((x) => `${x < 0 ? "−" : "+"}${Math.abs(x).toFixed(3)}`);
    return `Mixing in ${percent(1 - told.share)} labels, the teacher being no larger than the student, `
      + `may gain ${low} to ${high} nats on the better of teacher and labels alone (as small models of `
      + "text and of words have it, notebook 20; nothing larger was tried).";
  }

  return {
    GUESS, agreement, budgetTick, decision, digits, flips, leftover, loss, mixed, percent, plan, range,
    reason, short, size, storage, turn, warnings,
  };
})();
