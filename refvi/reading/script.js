// What a reader misses without JavaScript: symbols that explain themselves, arrow keys, LaTeX on the clipboard, the search.
const note = document.body.appendChild(document.createElement("div"));
note.className = "note"; note.setAttribute("role", "status"); note.hidden = true;

function latexOf(math) { return math.querySelector("annotation").textContent; }

// How a piece of MathML is built, as refvi/reading/symbols.py says it; of a deck's letter, that of the page's own.
function form(part) {
  if (part.dataset.own) return part.dataset.own;
  const inside = [...part.children].filter(child => child.localName !== "mspace");
  if (!inside.length) return (part.hasAttribute("mathvariant") ? "normal:" : "") + part.textContent;
  const forms = inside.map(form).join();
  return part.localName === "mrow" && inside.length === 1 ? forms : `${part.localName}(${forms})`;
}

function explain(parts) {
  const forms = [...new Set(parts.map(form))].filter(name => Object.hasOwn(SYMBOLS, name));
  const told = forms.map(name => {
    const [said, meaning, decks] = SYMBOLS[name];
    const letters = [...new Set(Object.values(decks).map(([letter]) => letter))].filter(letter => letter !== said);
    const others = letters.map(letter => `${letter} in ${Object.keys(decks).filter(deck => decks[deck][0] === letter).join(", ")}`);
    return `${said}: ${meaning}` + (others.length ? `; ${others.join("; ")}` : "");
  });
  note.textContent = [...new Set(told)].join("\n");
  note.hidden = !told.length;
}

function around(part) {      // a piece of a formula and what it stands in, up to the whole
  return part?.closest("math") ? [part, ...(part.localName === "math" ? [] : around(part.parentElement))] : [];
}
document.addEventListener("pointerover", event => explain(around(event.target.closest?.("mi, mo"))));
document.addEventListener("focusin", event => {
  if (event.target.matches(".tex, .formula")) explain([...event.target.querySelectorAll("math *")]);
});
document.addEventListener("focusout", () => { note.hidden = true; });

function rewrite(part, deck) {      // in a deck's letters, from the outside in
  const name = form(part), theirs = Object.hasOwn(SYMBOLS, name) && SYMBOLS[name][2][deck];
  if (part.localName === "annotation") return;
  if (!theirs) { [...part.children].forEach(child => rewrite(child, deck)); return; }
  const room = document.createElement("template");
  room.innerHTML = `<math>${theirs[1]}</math>`;
  const base = part.parentElement.localName.startsWith("msub") && part === part.parentElement.firstElementChild;
  let letter = room.content.firstElementChild.firstElementChild;
  if (base && letter.children.length) letter = letter.firstElementChild;     // one index is enough
  letter.dataset.own = name;
  part.replaceWith(letter);
}

if (document.querySelector(".chain")) {
  const choice = document.querySelector("nav").appendChild(document.createElement("select"));
  const decks = [...new Set(Object.values(SYMBOLS).flatMap(([, , letters]) => Object.keys(letters)))].sort();
  choice.setAttribute("aria-label", "whose letters formulas show");
  choice.append(new Option("letters of this page", ""), ...decks.map(deck => new Option(`letters of ${deck}`, deck)));
  let own;        // taken down only when it is asked for: a page of all chapters opens sooner
  choice.addEventListener("change", () => {
    own ??= [...document.querySelectorAll("math")].map(math => [math, math.innerHTML]);
    own.forEach(([math, inside]) => {
      math.innerHTML = inside;
      if (choice.value) rewrite(math, choice.value);
    });
  });
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
  label.append("", slider);
  figure.append(svg, "This picture can be moved: pull the slider, or step with the arrow keys.", label); template.replaceWith(figure);
  slider.dispatchEvent(new Event("input"));
}

const slides = [...document.querySelectorAll("section.slide")];
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, .tex, .formula, pre")) return;
  if (event.key === "Escape") note.hidden = true;
  if (event.key === "/") { location.href = "search.html"; event.preventDefault(); return; }
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const end = innerHeight + scrollY > document.documentElement.scrollHeight - 2;      // where slides no longer reach the top
  const here = Math.max(slides.findLastIndex(slide => slide.getBoundingClientRect().top < 40),
    end ? slides.indexOf(document.activeElement) : -1);
  const slide = slides[here + step];
  const way = document.querySelector(`a[rel=${step > 0 ? "next" : "prev"}]`);
  if (slide) { slide.scrollIntoView(); slide.focus({ preventScroll: true }); event.preventDefault(); }
  else if (way) location.href = way.href;
});

const words = document.getElementById("words");
function look() {
  const text = words.value.toLowerCase().replace(/./gu, letter => LETTERS[letter] ?? letter);
  const wanted = text.split(/\s+/).filter(Boolean);
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
