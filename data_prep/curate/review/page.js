// Runs once, when gradio has put the component on the page. `element`, `trigger` and `watch` are gradio's.
const SLOW = 15000;
let opened = performance.now();
let hidden = 0;
let hiddenSince = null;
let waiting = null;
let current = null;

const root = () => element.querySelector(".review");
const all = (selector) => [...element.querySelectorAll(selector)];
const key = (row) => root().dataset.key + row;

function say(text) {
  const message = element.querySelector(".message");
  if (message) message.textContent = text;
}

function draft() {
  return { texts: all("[data-text]").map((field) => field.value), reason: element.querySelector("[data-reason]").value };
}

function fit(field) {
  field.style.height = "auto";
  field.style.height = field.scrollHeight + 4 + "px";
}

function fill(kept) {
  all("[data-text]").forEach((field, number) => { if (number in kept.texts) field.value = kept.texts[number]; });
  if ("reason" in kept) element.querySelector("[data-reason]").value = kept.reason;
}

// gradio changes the elements of the row before into those of the next, with what was typed into them.
function reset() {
  all("[data-text], [data-reason]").forEach((field) => { field.value = field.defaultValue; });
  all(".images img.large").forEach((image) => image.classList.remove("large"));
  all("details").forEach((details) => { details.open = false; });
  document.scrollingElement.scrollTop = 0;
}

function shown() {
  clearTimeout(waiting);
  waiting = null;
  opened = performance.now();
  hidden = 0;
  hiddenSince = document.hidden ? opened : null;
  if (!root()) return;
  if (root().dataset.row !== current) reset();
  current = root().dataset.row;
  try {
    if (root().dataset.saved) localStorage.removeItem(key(root().dataset.saved));
    const kept = root().dataset.open && localStorage.getItem(key(root().dataset.row));
    if (kept) fill(JSON.parse(kept));
  } catch (error) {
    say("This browser keeps no text over a reload: decide before you leave the page.");
  }
  all("textarea").forEach(fit);
}

function send(data) {
  if (waiting || !root()) return;
  const fields = root().dataset.open ? draft() : { texts: [], reason: "" };
  const away = hidden + (hiddenSince === null ? 0 : performance.now() - hiddenSince);
  const row = root().dataset.open ? root().dataset.row : null;
  waiting = setTimeout(() => {
    waiting = null;
    say("Not kept yet: the server does not answer. Your text stays in this browser; start the review again and reload.");
  }, SLOW);
  trigger("decide", { ...fields, ...data, row, seconds: (performance.now() - opened - away) / 1000 });
}

function verdict(name) {
  if (root() && root().dataset.open) send({ action: "verdict", verdict: name });
}

element.addEventListener("input", (event) => {
  if (event.target.matches("textarea")) fit(event.target);
  try {
    localStorage.setItem(key(root().dataset.row), JSON.stringify(draft()));
  } catch (error) {
    say("This browser keeps no text over a reload: decide before you leave the page.");
  }
});

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (event.target.matches(".images img")) event.target.classList.toggle("large");
  if (!button) return;
  if (button.dataset.verdict) verdict(button.dataset.verdict);
  if ("back" in button.dataset) send({ action: "back" });
  if (button.dataset.use) {
    fill({ texts: JSON.parse(button.dataset.use) });
    all("textarea").forEach((field) => { field.dispatchEvent(new Event("input", { bubbles: true })); });
  }
});

document.addEventListener("keydown", (event) => {
  const field = event.target.matches("textarea, input");
  if (field && event.key === "Escape") event.target.blur();
  if (field || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const name = { 1: "none", 2: "minor", 3: "major", s: "skip", "\u0633": "skip", "\u0661": "none", "\u0662": "minor", "\u0663": "major" }[event.key];
  if (name) verdict(name);
  if (event.key === "b" || event.key === "\u0644\u0627") send({ action: "back" });
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) hiddenSince = performance.now();
  else if (hiddenSince !== null) { hidden += performance.now() - hiddenSince; hiddenSince = null; }
});

watch("value", shown);
shown();
