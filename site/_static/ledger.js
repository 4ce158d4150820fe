"use strict";
// Show the statements that the form above the ledger chooses, and hide sections that have none.
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
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
})();
