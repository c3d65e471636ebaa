// Elements from data: everything goes in as text, nothing as markup.

/** An element. `props`: `class`, `text`, `on` (event -> listener), `data`, else attributes; null and false are left out. */
function make(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "text") element.textContent = value;
    else if (name === "on") for (const [kind, listener] of Object.entries(value)) element.addEventListener(kind, listener);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) if (child !== null && child !== undefined) element.append(child);
  return element;
}

/** Text of its own direction. */
const own = (text) => make("bdi", { text });

/** Text for those who listen. */
const told = (text) => make("span", { class: "told", text });

const counted = (n, thing) => `${n.toLocaleString("en")} ${thing}${n === 1 ? "" : "s"}`;

/** A condition in words, as on the rest of the page. */
function conditionName(id) {
  if (id === "clean") return "clean audio";
  const [name, level = ""] = id.split(/@(.*)/s);
  const digits = level.match(/^[-+.0-9]*/)[0];
  return level ? `${name} at ${digits} ${level.slice(digits.length)}`.trim() : name;
}

/** A labelled choice. `options`: [value, text] pairs. */
function choice(label, options, chosen, changed) {
  const select = make("select", { on: { change: () => changed(select.value) } });
  for (const [value, text] of options) select.append(make("option", { value, text, selected: value === chosen }));
  return { element: make("label", {}, make("span", { text: label }), select), set: (value) => { select.value = value; } };
}

/** A labelled field for words to look for; tells of a change when the typing rests. */
function wordField(label, chosen, changed) {
  let waiting = 0;
  const later = () => { clearTimeout(waiting); waiting = setTimeout(() => changed(input.value), 150); };
  const input = make("input", { type: "search", dir: "auto", autocomplete: "off", spellcheck: "false", on: { input: later } });
  input.value = chosen;
  const set = (value) => { if (document.activeElement !== input) input.value = value; };
  return { element: make("label", {}, make("span", { text: label }), input), set };
}
