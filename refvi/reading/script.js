// What a reader misses without JavaScript: symbols that explain themselves, arrow keys, LaTeX on the clipboard, the search.
const note = document.body.appendChild(document.createElement("div"));
note.className = "note"; note.setAttribute("role", "status"); note.hidden = true;

function latexOf(math) { return math.querySelector("annotation").textContent; }

function explain(letters) {
  const told = [...new Set(letters)].filter(letter => Object.hasOwn(SYMBOLS, letter)).map(letter => {
    const [meaning, decks] = SYMBOLS[letter];
    const others = Object.entries(decks).filter(([, name]) => name !== letter).map(([deck, name]) => `${name} in ${deck}`);
    return `${letter}: ${meaning}` + (others.length ? `; ${others.join(", ")}` : "");
  });
  note.textContent = told.join("\n");
  note.hidden = !told.length;
}

const own = mi => mi.dataset.own ?? mi.textContent;      // the page's letter, whichever is shown
const letter = event => { const mi = event.target.closest?.("mi"); return mi && own(mi); };
document.addEventListener("pointerover", event => explain(letter(event) ? [letter(event)] : []));
document.addEventListener("focusin", event => {
  if (event.target.matches(".tex, .formula")) explain([...event.target.querySelectorAll("mi")].map(own));
});
document.addEventListener("focusout", () => { note.hidden = true; });

if (document.querySelector(".chain")) {
  const choice = document.querySelector("nav").appendChild(document.createElement("select"));
  const decks = [...new Set(Object.values(SYMBOLS).flatMap(([, letters]) => Object.keys(letters)))].sort();
  choice.setAttribute("aria-label", "whose letters formulas show");
  choice.append(new Option("letters of this page", ""), ...decks.map(deck => new Option(`letters of ${deck}`, deck)));
  choice.addEventListener("change", () => document.querySelectorAll("math mi").forEach(mi => {
    mi.dataset.own ??= mi.textContent;
    mi.textContent = SYMBOLS[mi.dataset.own]?.[1][choice.value] ?? mi.dataset.own;
  }));
}

document.addEventListener("copy", event => {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return;
  const range = selection.getRangeAt(0), start = range.commonAncestorContainer;
  const inside = (start.closest ? start : start.parentElement).closest("math");
  const part = document.createElement("div");
  part.append(inside ? inside.cloneNode(true) : range.cloneContents());
  const formulas = part.querySelectorAll("math");
  if (!formulas.length) return;
  formulas.forEach(math => math.querySelector("annotation") && math.replaceWith(inside ? latexOf(math) : `$${latexOf(math)}$`));
  event.clipboardData.setData("text/plain", part.textContent);
  event.preventDefault();
});

for (const template of document.querySelectorAll("template.frames")) {
  const svg = template.content.firstElementChild, labels = JSON.parse(svg.dataset.labels), still = template.previousElementSibling;
  const figure = document.createElement("span"), label = document.createElement("label"), slider = document.createElement("input");
  Object.assign(slider, { type: "range", max: labels.length - 1, value: Math.floor(labels.length / 2) });
  slider.addEventListener("input", () => {
    label.firstChild.nodeValue = `${svg.dataset.slider}: ${labels[slider.value]}`;
    slider.setAttribute("aria-valuetext", labels[slider.value]);
    svg.querySelectorAll("[data-frame]").forEach(part => part.setAttribute("display", part.dataset.frame === slider.value ? "inline" : "none"));
  });
  svg.setAttribute("role", "img"); svg.setAttribute("aria-label", `${still.alt}, as the slider moves it`);
  figure.className = "moving";
  label.append("", slider); figure.append(svg, label); template.replaceWith(figure);
  slider.dispatchEvent(new Event("input"));
}

const slides = [...document.querySelectorAll("section.slide")];
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, .tex, .formula, pre")) return;
  if (event.key === "Escape") note.hidden = true;
  if (event.key === "/") { location.href = "search.html"; event.preventDefault(); return; }
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const here = slides.findLastIndex(slide => slide.getBoundingClientRect().top < 40);
  const slide = slides[here + step];
  const way = document.querySelector(`a[rel=${step > 0 ? "next" : "prev"}]`);
  if (slide) { slide.scrollIntoView(); slide.focus({ preventScroll: true }); event.preventDefault(); }
  else if (way) location.href = way.href;
});

const words = document.getElementById("words");
function look() {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = wanted.length ? INDEX.filter(([text]) => wanted.every(word => text.toLowerCase().includes(word))) : [];
  document.getElementById("count").textContent = wanted.length ? `${hits.length} found` : "";
  document.getElementById("found").replaceChildren(...hits.slice(0, 100).map(([text, address]) => {
    const link = document.createElement("a");
    link.href = address; link.textContent = text;
    const item = document.createElement("li");
    item.append(link);
    return item;
  }));
}
if (words) {
  words.value = new URLSearchParams(location.search).get("q") ?? "";
  words.addEventListener("input", look);
  look();
}
