"use strict";
// Show the statements that the form above the ledger chooses, and hide sections that have none. What
// is chosen stands in the address (#verdict=holds), to be sent.
(() => {
  const form = document.querySelector(".choices");
  const rows = [...document.querySelectorAll("[data-verdict]")].map((mark) => {
    const line = mark.closest("tr");
    return { line, told: mark.dataset, text: line.textContent.toLowerCase() };
  });
  function show() {
    const { words, ...wanted } = Object.fromEntries(new FormData(form));
    const sought = words.toLowerCase().split(/\s+/);
    let count = 0;
    for (const { line, told, text } of rows) {
      const fits = Object.entries(wanted).every(([name, value]) => !value || told[name] === value)
        && sought.every((word) => text.includes(word));
      line.hidden = !fits;
      count += fits;
    }
    for (const table of document.querySelectorAll(".scroll table")) {
      table.closest("section").hidden = !table.querySelector("tr:not([hidden]) td");
    }
    form.querySelector("output").textContent = `${count} of ${rows.length} statements`;
  }
  function put() {
    if (!location.hash.includes("=")) return; // a statement, or nothing
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
      if (form.elements[name]) form.elements[name].value = value;
    }
  }
  function keep() {
    const chosen = [...new FormData(form)].filter(([, value]) => value);
    const { pathname, search } = location;
    history.replaceState(null, "", `${pathname}${search}#${new URLSearchParams(chosen)}`);
    show();
  }
  put();
  addEventListener("hashchange", () => { put(); show(); });
  form.addEventListener("input", keep);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
})();
