"use strict";
// Line charts as SVG, drawn at the width that there is so that text keeps its size.

const Chart = (() => {
  const SPACE = "http://www.w3.org/2000/svg";
  const MARGIN = { top: 32, right: 16, bottom: 42, left: 46 };
  const HEIGHT = 300;

  function element(parent, name, attributes, text) {
    const made = document.createElementNS(SPACE, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }

  /** Round numbers between low and high, some `count` of them. */
  function linearTicks({ low, high }, count) {
    const raw = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
    const first = Math.ceil(low / step);
    const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => {
      const value = (first + i) * step;
      return { value, text: value.toFixed(places) };
    });
  }

  /** Powers of ten between low and high, every one or every few. */
  function logTicks({ low, high, format }, count) {
    const [first, last] = [Math.ceil(Math.log10(low)), Math.floor(Math.log10(high))];
    const every = Math.max(1, Math.ceil((last - first + 1) / count));
    const ticks = [];
    for (let e = first; e <= last; e += every) ticks.push(10 ** e);
    return ticks.map((value) => ({ value, text: format(value) }));
  }

  function scale({ low, high, log }, from, to) {
    const at = log ? Math.log : (x) => x;
    return (x) => from + ((at(x) - at(low)) / (at(high) - at(low))) * (to - from);
  }

  /**
   * Draw into `place`. x, y: {low, high, log, label, format (of a log axis)}; lines: {points,
   * color, dash, width}; marks: {x, y, color, hollow, label, low, high}; verticals: {x, label, dash,
   * row}; bands: {points of x, low, high; color}.
   */
  function draw(place, { title, x, y, lines, marks = [], verticals = [], bands = [] }) {
    const width = Math.max(place.clientWidth, 240);
    const svg = document.createElementNS(SPACE, "svg");
    for (const [key, value] of Object.entries({ width, height: HEIGHT, role: "img" })) {
      svg.setAttribute(key, value);
    }
    svg.setAttribute("aria-label", title);
    const right = width - MARGIN.right, bottom = HEIGHT - MARGIN.bottom;
    const px = scale(x, MARGIN.left, right), py = scale(y, bottom, MARGIN.top);

    const ticks = (axis, count) => (axis.log ? logTicks : linearTicks)(axis, count);
    for (const { value, text } of ticks(y, 5)) {
      const at = py(value);
      element(svg, "line", { x1: MARGIN.left, x2: right, y1: at, y2: at, class: "grid" });
      element(svg, "text", { x: MARGIN.left - 8, y: at + 4, "text-anchor": "end" }, text);
    }
    for (const { value, text } of ticks(x, Math.max(3, Math.floor(width / 90)))) {
      const at = px(value);
      element(svg, "line", { x1: at, x2: at, y1: bottom, y2: bottom + 5, class: "axis" });
      element(svg, "text", { x: at, y: bottom + 19, "text-anchor": "middle" }, text);
    }
    element(svg, "line", { x1: MARGIN.left, x2: right, y1: bottom, y2: bottom, class: "axis" });
    const middle = (MARGIN.left + right) / 2;
    element(svg, "text", { x: middle, y: HEIGHT - 5, "text-anchor": "middle" }, x.label);
    element(svg, "text", { x: 0, y: 14 }, y.label);

    const clip = `clip-${place.id}`;
    element(element(svg, "clipPath", { id: clip }), "rect", {
      x: MARGIN.left, y: MARGIN.top, width: right - MARGIN.left, height: bottom - MARGIN.top,
    });
    const inside = element(svg, "g", { "clip-path": `url(#${clip})` });
    const path = (points) => points.map(([a, b]) => `${px(a).toFixed(2)},${py(b).toFixed(2)}`);
    for (const { points, color } of bands) {
      const drawn = points.filter((row) => row.every(Number.isFinite));
      const above = path(drawn.map(([a, , b]) => [a, b]));
      const below = path(drawn.map(([a, b]) => [a, b]));
      const outline = [...above, ...below.reverse()].join(" ");
      element(inside, "polygon", { points: outline, fill: color, class: "band" });
    }
    for (const { x: at, label, dash, row = 0 } of verticals) {
      const across = px(at);
      element(inside, "line", {
        x1: across, x2: across, y1: MARGIN.top, y2: bottom, class: "vertical",
        "stroke-dasharray": dash ?? "",
      });
      const left = across > width * 0.7;
      element(inside, "text", {
        x: across + (left ? -6 : 6), y: MARGIN.top + 12 + 15 * row, "text-anchor": left ? "end" : "start",
      }, label);
    }
    for (const { points, color, dash, width: stroke } of lines) {
      const drawn = points.filter(([, b]) => Number.isFinite(b));
      element(inside, "polyline", {
        points: path(drawn).join(" "), fill: "none", stroke: color, "stroke-width": stroke ?? 2.5,
        "stroke-dasharray": dash ?? "", "stroke-linejoin": "round",
      });
    }
    for (const { x: a, y: b, color, hollow, label, low, high } of marks) {
      if (low !== undefined) {
        element(inside, "line", {
          x1: px(a), x2: px(a), y1: py(low), y2: py(high), stroke: color, "stroke-width": 2,
        });
      }
      const dot = element(inside, "circle", {
        cx: px(a), cy: py(b), r: hollow ? 5 : 6.5, stroke: color, "stroke-width": 2,
        fill: hollow ? "var(--paper)" : color,
      });
      element(dot, "title", {}, label);
    }
    place.replaceChildren(svg);
  }

  /** One entry a line or mark, in words beside its colour. */
  function legend(place, entries) {
    place.replaceChildren(...entries.map(({ color, dash, dot, hollow, label }) => {
      const entry = document.createElement("span");
      const key = document.createElementNS(SPACE, "svg");
      for (const [name, value] of Object.entries({ width: 26, height: 14, "aria-hidden": true })) {
        key.setAttribute(name, value);
      }
      if (dot) {
        element(key, "circle", {
          cx: 13, cy: 7, r: 5, stroke: color, "stroke-width": 2, fill: hollow ? "var(--paper)" : color,
        });
      } else {
        element(key, "line", {
          x1: 1, x2: 25, y1: 7, y2: 7, stroke: color, "stroke-width": 2.5,
          "stroke-dasharray": dash ?? "",
        });
      }
      entry.append(key, label);
      return entry;
    }));
  }

  return { draw, legend };
})();
