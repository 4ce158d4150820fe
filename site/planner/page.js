"use strict";
// The page: reads the form, asks central law and ensemble, shows the answer. The decision comes
// with the keystroke; what takes longer follows in slices, and a new keystroke ends it.

const Page = (() => {
  const SLICE = 12; // milliseconds of work between two looks at the keyboard
  const SHEET = { points: 8.2, wide: 95, high: 56 }; // printed characters that fill one page
  const { make, place } = Pictures;
  const form = place("form");
  const defaults = { ...Object.fromEntries(new FormData(form)), ...SETTINGS.opening };

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

  function showFirst(w) {
    place("verdict").dataset.verdict = w.verdict;
    place("decision").textContent = Words.decision(w);
    place("reason").textContent = Words.reason(w);
    place("agreement").textContent = Words.agreement(w);
    w.notes = Words.warnings(w);
    place("warnings").hidden = !w.notes.length;
    place("warnings").replaceChildren(...w.notes.map((note) => make("li", {}, note)));
    const tile = (label, value, ends, kind) => make("div", { class: `tile ${kind}` },
      make("b", {}, value), make("small", {}, ends), make("span", {}, label));
    const distilled = w.best ? Words.loss(w.best.loss) : "";
    const signed = (x) => `${x < 0 ? "−" : ""}${Words.loss(Math.abs(x))}`;
    const tiles = [tile("loss, trained on data", Words.loss(w.supervised.loss),
      Words.range(w.ranges.supervised), "data")];
    if (w.best) {
      const ends = w.gain > 0 ? w.ranges.gain : w.ranges.gain.map((x) => -x).reverse();
      tiles.unshift(tile("loss, distilled", distilled, Words.range(w.ranges.distilled), "distil"));
      tiles.push(tile(`${w.gain > 0 ? "gained" : "lost"} by distilling`,
        Words.loss(Math.abs(w.gain)), Words.range(ends, signed), ""));
    }
    place("tiles").replaceChildren(...tiles);
    const { head, rows } = Words.plan(w);
    Pictures.table(place("plan"), head, rows);
    Pictures.split(w);
    Pictures.shelf(w);
    Pictures.teachers(w, w.middle, w.ideal);
    place("turn").textContent = w.best ? Words.turn(w) : "";
    for (const [part, words] of Object.entries({
      left: Words.leftover(w), mixed: Words.mixed(w), store: Words.storage(w),
    })) {
      place(part).hidden = !words;
      place(`${part}-words`).textContent = words;
    }
    const short = { distil: "Distil", "train on data": "Train on data", undecided: "Undecided" };
    place("peek").textContent = `${short[w.verdict]}: ${w.best ? `${distilled} distilled, ` : ""}`
      + `${Words.loss(w.supervised.loss)} on data`;
  }

  function showRest(w) {
    place("flip").textContent = Words.flips(w);
    Pictures.budgets(w);
    place("recipe").value = recipe(w);
    const lines = recipe(w).split("\n").slice(1), { wide, high } = SHEET;
    const needed = lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / wide)), 0);
    place("sheet").textContent = lines.join("\n").trim();
    place("sheet").style.fontSize = `${SHEET.points * Math.min(1, high / needed)}pt`;
  }

  /** What was put in, as lines that another person can type. */
  function inputLines(fields) {
    return Inputs.relevant(fields).filter((name) => fields[name] !== "").map((name) => {
      const field = form.elements.namedItem(name);
      const label = {
        have: "Teacher", how: "Teacher's outputs", u: "Unit of the budget", tn: "Teacher's size",
        tl: "Teacher's loss", cn: "Measured model's size", cd: "Measured model's tokens",
        cl: "Measured model's loss",
      }[name] ?? form.querySelector(`label[for=${name}]`).firstChild.textContent.trim();
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
      Words.turn(w), Words.flips(w), Words.storage(w), Words.leftover(w), Words.mixed(w),
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

  const SHOW = { laws: showFirst, budgets: showRest, sizes: Pictures.sizes };

  function work() {
    const until = performance.now() + SLICE;
    while (job && performance.now() < until) {
      const { done, value: part } = job.next();
      if (part) SHOW[part](shown);
      if (done) {
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
    shown = Work.begin(question);
    showConversions(shown);
    showFirst(shown);
    job = Work.finish(shown);
    if (idle) setTimeout(work, 0);
  }

  /** Losses in the other units, what the shift does, and what the budget is in the others. */
  function showConversions(w) {
    const teacher = w.problem.teachers?.[0];
    const others = Object.entries({ nats: "nats per token", ppl: "perplexity", bpb: "bits per byte" });
    place("same-loss").hidden = !teacher;
    if (teacher) {
      const bytes = w.bytes ?? Inputs.read(form.elements.bpt.value || "4.3", "bytes");
      // The 4.3 bytes of an English token say nothing of text of one's own.
      const told = others.filter(([unit]) => unit !== w.lossUnit && !(unit === "bpb" && SETTINGS.whose));
      const said = told.map(([unit, name]) => {
        const value = Words.digits(Units.outOfNats(teacher.loss, unit, bytes), 3);
        if (unit === "ppl") return `a perplexity of ${value}`;
        return unit === "bpb" ? `${value} ${name} at ${bytes} bytes a token` : `${value} ${name}`;
      });
      place("same-loss").textContent = `${w.problem.teachers.length > 1 ? "The first is " : "That is "}`
        + `${said.join(", or ")}.`;
    }
    if (w.measured) {
      const { params, tokens, loss } = w.measured;
      const expected = Work.solversFor(w.measured).central.supervisedLoss(params, tokens);
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
          const nats = Units.inNats(Inputs.read(text, Units.KIND[before.lu]), before.lu, bytes);
          return String(Words.digits(Units.outOfNats(nats, fields.lu, bytes), digits));
        } catch {
          return text;
        }
      };
      // A number that this unit made no loss of was meant in the other one.
      const { errors } = Inputs.interpret(before);
      for (const field of ["tl", "cl"]) {
        if (!errors[field]) form.elements[field].value = other(fields[field], 4);
      }
      if (!errors.list) form.elements.list.value = fields.list.split("\n")
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
    const examples = { ...SETTINGS.opening, ...SETTINGS.examples };
    for (const example of document.querySelectorAll("[data-example]")) {
      example.textContent = examples[example.dataset.example];
    }
    if (SETTINGS.whose) {
      place("whose").textContent = SETTINGS.whose;
      place("language").textContent = "The laws know the text and the tokens of these runs.";
    }
    place("gpu-names").replaceChildren(
      ...Object.keys(SETTINGS.gpus).map((name) => make("option", { value: name })),
    );
    const { studentParams, studentTokens, teacherLoss } = SETTINGS.fitted;
    place("basis").textContent = `Coefficients: ${SETTINGS.set}; ranges: `
      + `${SETTINGS.ensemble.length} laws. Fitted on students of ${Words.size(studentParams[0])} to `
      + `${Words.size(studentParams[1])} parameters, ${Words.size(studentTokens[0])} to `
      + `${Words.size(studentTokens[1])} tokens, teachers of loss ${Words.digits(teacherLoss[0], 4)} to ${Words.digits(teacherLoss[1], 4)}; one run scatters by `
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
    place("copy-link").hidden = location.protocol === "file:";
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

  return { start };
})();

Page.start();
