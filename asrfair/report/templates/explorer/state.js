// What is shown is said by the address alone: `#?name=value&...`. So a link is a state, and back and forward work.

const PREFIX = "#?";
const listeners = [];

/** The state in the address; an address that names a place on the page (`#findings`) leaves the state as it was. */
let state = new Map();

function stateOf(hash) {
  return new Map(hash.startsWith(PREFIX) ? new URLSearchParams(hash.slice(PREFIX.length)) : []);
}

/** The address of the state with some changes; an empty value takes a name out. */
function address(changes, from = state) {
  const next = new Map([...from, ...Object.entries(changes)]);
  next.delete("at");
  if (changes.at) next.set("at", changes.at);
  const kept = [...next].filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return PREFIX + new URLSearchParams(kept).toString();
}

/** Go to a state: `step` leaves the one before in the history. */
function go(changes, { step = false } = {}) {
  const next = address(changes);
  if (next === location.hash) return;
  if (step) history.pushState(null, "", next);
  else history.replaceState(null, "", next);
  tell();
}

const get = (name) => state.get(name) || "";

function tell() {
  if (location.hash && !location.hash.startsWith(PREFIX)) {
    reveal(location.hash.slice(1));
    return;
  }
  state = stateOf(location.hash);
  for (const listener of listeners) listener();
  const place = get("at") && document.getElementById(get("at"));
  if (place) place.scrollIntoView();
}

/** Open what is folded around a place of the page. */
function reveal(id) {
  const place = document.getElementById(id);
  if (!place) return;
  for (let part = place.parentElement; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  place.scrollIntoView();
}

// Dark or light: the page follows the system by a media rule; a choice rewrites the rule's condition.

const THEMES = { "": "as the system", light: "light", dark: "dark" };

function themed() {
  const theme = get("theme");
  for (const rule of DARK_RULES) rule.media.mediaText = { light: "not all", dark: "all" }[theme] || "(prefers-color-scheme: dark)";
  document.documentElement.style.colorScheme = theme === "light" || theme === "dark" ? theme : "";
}

const DARK_RULES = [...document.styleSheets]
  .flatMap((sheet) => [...sheet.cssRules])
  .filter((rule) => rule.media && rule.media.mediaText.includes("prefers-color-scheme"));

function toolbar() {
  const label = () => `Colours: ${THEMES[get("theme")] || THEMES[""]}`;
  const order = Object.keys(THEMES);
  const theme = make("button", { type: "button", text: label(), on: {
    click: () => go({ theme: order[(order.indexOf(get("theme")) + 1) % order.length] }) } });
  const note = make("span", { role: "status" });
  const link = make("button", { type: "button", text: "Copy a link to this view", on: { click: async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      note.textContent = "Copied.";
    } catch {
      const field = make("input", { readonly: true, "aria-label": "Link to this view", class: "link" });
      field.value = location.href;
      note.replaceChildren(field);
      field.select();
    }
  } } });
  listeners.push(() => { theme.textContent = label(); note.textContent = ""; });
  return make("div", { class: "controls toolbar" }, theme, link, note);
}
