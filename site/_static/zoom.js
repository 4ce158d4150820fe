"use strict";
// A picture opens large at a click or with Enter; Escape or a click closes it.
(() => {
  for (const image of document.querySelectorAll(".cell_output img")) {
    const link = document.createElement("a");
    link.href = image.src;
    image.replaceWith(link);
    link.append(image);
  }
  const dialog = document.createElement("dialog");
  dialog.className = "zoom";
  const picture = new Image();
  dialog.append(picture);
  document.body.append(dialog);
  dialog.addEventListener("click", () => dialog.close());
  // Not every browser that is driven closes a dialog itself.
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && dialog.close());
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a:has(> img)");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    picture.src = link.href;
    picture.alt = link.querySelector("img").alt;
    dialog.setAttribute("aria-label", picture.alt);
    dialog.showModal();
  });
})();
