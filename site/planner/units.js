"use strict";
// Numbers as people write them; the rules of scalingplan/units.py, whose kinds and units come
// with the coefficients. tests/units.json holds both to one table of cases.

const Units = (() => {
  const NUMBER = "(?:\\d{1,3}(?:[ '_]\\d{3})+(?:[.,]\\d+)?|\\d[\\d.,_]*|[.,]\\d+)";
  const POWER = /^10(?:\^|\*\*)\(?([+-]?\d+)\)?([^\d]*)$/i;
  const FACTOR = new RegExp(`^(${NUMBER})(?:e([+-]?\\d+))?(.*)$`, "i");
  const QUOTIENT = new RegExp(`^(${NUMBER}) ?/ ?(${NUMBER})$`);
  const TIMES = / ?[×·] ?|(?<=[\d)a-z]) ?x ?(?=[\d.])|(?<!\*) ?\*(?!\*) ?| for /i;
  const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺";

  function create({ kinds, times, flopUnits, scales }) {
    class Refused extends Error {}

    /** By decimal mark, point or comma, what digits can say; the other one parts groups of three. */
    function readings(text) {
      return [[".", ","], [",", "."]].flatMap(([mark, group]) => {
        const [whole, ...others] = text.split(mark), rest = others.join(mark);
        const grouped = new RegExp(`^(?:\\d*|[1-9]\\d{0,2}(?:[${group}]\\d{3})+)$`);
        if (!grouped.test(whole) || !/^\d*$/.test(rest) || !(whole + rest)) return [];
        if (others.length && !rest && whole.includes(group)) return [];
        return [Number(`${whole.replaceAll(group, "") || 0}.${rest || 0}`)];
      });
    }

    /** A number that can be read in one way; 1.500 and 1,500 where that is no odd thing to write. */
    function number(text, written, scaled = false, hours = false) {
      const plain = text.replace(/[ '_]/g, ""), [found, other] = readings(plain);
      if (found === undefined) throw new Refused(`“${written}” cannot be read as one number.`);
      if (other !== undefined && other !== found && (plain.includes(".") ? hours : scaled)) {
        throw new Refused(`“${written}” can be ${plain.replace(",", ".")} or `
          + `${plain.replace(/[,.]/g, "")}: write one of them.`);
      }
      return found;
    }

    /** What the words behind a number multiply it by, and whether they are a time. */
    function wordsAfter(words, kind, refused) {
      if (words === "%") {
        if (kind !== "share" && kind !== "utilisation") throw refused;
        return [0.01, false];
      }
      const known = { hours: times, flops: flopUnits }[kind]
        ?? Object.fromEntries(kinds[kind].units.map((unit) => [unit, 1]));
      let scale = 1, time = false;
      words.split(" ").filter(Boolean).forEach((written, i) => {
        const word = written.replace(/\.+$/, "");
        if (Object.hasOwn(known, word)) {
          [scale, time] = [scale * known[word], kind === "hours"];
        } else if (i === 0 && Object.hasOwn(scales, word)
          && !["loss", "share", "perplexity", "bits"].includes(kind)) {
          scale *= scales[word];
        } else if (!(kind === "hours" && /^gpus?$/.test(word))) throw refused;
      });
      return [scale, time];
    }

    function value(written, kind) {
      const refused = new Refused(`“${written}” is not ${kinds[kind].what}.`);
      const amount = kind === "money" ? written.replace(/^[$€£]\s*/, "") : written;
      const text = amount.replace(/[\s\u00a0\u2009\u202f]+/g, " ").replace(/−/g, "-")
        .replace(/’/g, "'").replace(new RegExp(`10([${SUPERSCRIPTS}]+)`, "g"), "10^$1")
        .replace(new RegExp(`[${SUPERSCRIPTS}]`, "g"), (c) => "0123456789-+"[SUPERSCRIPTS.indexOf(c)]);
      const quotient = QUOTIENT.exec(text);
      if (quotient) {
        const over = number(quotient[2], written);
        if (!over) throw refused;
        return number(quotient[1], written) / over;
      }
      let product = 1, timed = false;
      const factors = text.split(TIMES);
      if (kind === "size" && factors.length > 1 && /[0-9] ?[kmbt]/i.test(text)) {
        throw new Refused(`“${written}” reads as a mixture of experts: give the parameters that are `
          + "active for a token, which are what it costs, and its measured loss.");
      }
      for (const factor of factors) {
        const power = POWER.exec(factor), match = power ? null : FACTOR.exec(factor);
        if (!power && !match) throw refused;
        const rest = (power ? power[2] : match[3]).trim().toLowerCase();
        const [scale, time] = wordsAfter(rest, kind, refused);
        // A mantissa has no groups: 1,250E+08 is 1.25e8.
        const digits = match?.[2] && !match[1].includes(".") ? match[1].replace(",", ".") : match?.[1];
        const read = power ? Number(`1e${power[1]}`)
          : number(digits, written, scale !== 1, kind === "hours") * Number(`1e${match[2] ?? 0}`);
        if (time && timed) throw refused;
        [product, timed] = [product * read * scale, timed || time];
      }
      return product;
    }

    /** The number that a text states; throws a sentence for the reader. */
    function read(text, kind) {
      const allowed = kinds[kind], written = text.trim();
      if (!written) throw new Refused(`This needs ${allowed.what}.`);
      let found = value(written, kind);
      if (kind === "utilisation" && found > 1 && found <= 100 && !written.includes("%")) found /= 100;
      const whole = kind !== "count" || found === Math.round(found);
      if (!(found >= allowed.low && found <= allowed.high && whole)) {
        throw new Refused(`“${written}” is not ${allowed.what}.`);
      }
      return found;
    }

    /** A question where no such thing is usual, else null. */
    function doubt(found, kind) {
      const { usual_low: low, usual_high: high } = kinds[kind];
      if (found >= low && found <= high) return null;
      const [side, bound] = found < low ? ["less", low] : ["more", high];
      const shown = (x) => (x >= 1e4 || x < 1e-3 ? x.toExponential(2) : Number(x.toPrecision(4)));
      return `Is this right? It reads as ${shown(found)}, ${side} than the usual (${shown(bound)}).`;
    }

    return { read, doubt };
  }

  // Losses in nats or bits per token, perplexity per token or bits per byte.
  const KIND = { nats: "loss", ppl: "perplexity", bpb: "bits_per_byte", bits: "bits" };
  const inNats = (loss, unit, bytes) =>
    ({ nats: loss, ppl: Math.log(loss), bpb: loss * bytes * Math.LN2, bits: loss * Math.LN2 })[unit];
  const outOfNats = (nats, unit, bytes) =>
    ({ nats, ppl: Math.exp(nats), bpb: nats / (bytes * Math.LN2), bits: nats / Math.LN2 })[unit];

  return { create, KIND, inNats, outOfNats };
})();
