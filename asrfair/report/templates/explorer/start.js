// The start: the table at once, the utterances as soon as they are unpacked.

async function start() {
  state = stateOf(location.hash);
  document.getElementById("unscripted")?.remove();
  const section = document.getElementById("numbers");
  const table = numbersTable(section);
  section.before(toolbar());
  listeners.push(themed);
  themed();
  const links = document.querySelector("nav ul");
  const groups = links.querySelector('a[href="#groups"]').parentElement;
  groups.before(make("li", {}, make("a", { href: "#numbers", text: "All numbers" })));
  addEventListener("popstate", tell);
  addEventListener("hashchange", tell);
  await utterances(table, groups);
  document.documentElement.dataset.ready = "yes";
  performance.mark("asrfair-ready");
  if (get("at") || (location.hash && !location.hash.startsWith(PREFIX))) tell();
}

async function utterances(table, before) {
  const section = document.getElementById("utterances");
  try {
    const source = await findSource(section);
    if (!source) return;
    const about = await utterancesPart(section, source);
    before.before(make("li", {}, make("a", { href: "#utterances", text: "Utterances" })));
    table.open(about.attributes);
  } catch (error) {
    section.hidden = false;
    section.replaceChildren(make("h2", { id: "utterances-title", text: "Utterances" }),
      make("p", { class: "notice", text: `The utterances could not be opened (${error.message}). A browser of 2023 or later is needed.` }));
  }
}

start();
