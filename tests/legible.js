// Text that a reader sees (formulas are pictures, their spoken twins hidden): what is under 12 px,
// and what has less contrast than WCAG 2 AA asks, 4.5 or for large text 3.
window.legible = () => {
  const color = (text) => {
    const [red, green, blue, alpha = 1] = text.match(/[\d.]+/g).map(Number);
    return { rgb: [red, green, blue], alpha };
  };
  const over = (top, below) =>
    top.rgb.map((part, i) => part * top.alpha + below[i] * (1 - top.alpha));
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((part) => part / 255).map((part) =>
      part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (node) => {
    const own = color(getComputedStyle(node).backgroundColor);
    if (own.alpha === 1) return own.rgb;
    return over(own, node.parentElement ? behind(node.parentElement) : [255, 255, 255]);
  };
  const found = [];
  for (const node of document.body.querySelectorAll("*")) {
    const words = [...node.childNodes].filter((child) => child.nodeType === 3)
      .map((child) => child.textContent.trim()).join("");
    if (!words || node.closest("svg, mjx-container, script, noscript, sup, sub")) continue;
    if (!node.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const style = getComputedStyle(node), size = parseFloat(style.fontSize);
    if (size < 11.99) found.push(`${size} px: ${words.slice(0, 40)}`);
    const back = behind(node), front = over(color(style.color), back);
    const [dark, light] = [luminance(front), luminance(back)].sort((a, b) => a - b);
    const ratio = (light + 0.05) / (dark + 0.05);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(`contrast ${ratio}: ${words.slice(0, 40)}`);
  }
  return found;
};
// On paper nothing can be scrolled to: what is wider than its box is lost.
window.cut = () => [...document.querySelectorAll("html, pre, .scroll, .table-wrapper, .output")]
    .filter((box) => box.scrollWidth > box.clientWidth + 1 && box.checkVisibility())
    .map((box) => `${box.className}: ${box.textContent.trim().slice(0, 60)}`);
