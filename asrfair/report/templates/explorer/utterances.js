// The utterances behind the numbers: filters, the list, and one utterance under all systems and conditions.

async function utterancesPart(section, source) {
  const about = await source.about();
  const distinct = (side) => [...new Set(about.cells.map((cell) => cell[side]))];
  const fields = {
    system: choice("System", [["", "All"], ...distinct(0).map((one) => [one, one])], get("system"), (chosen) => go({ system: chosen })),
    condition: choice("Condition", [["", "All"], ...distinct(1).map((one) => [one, conditionName(one)])], get("condition"), (chosen) => go({ condition: chosen })),
  };
  for (const { name, groups } of about.attributes) {
    if (groups.length) fields[`in.${name}`] = choice(name, [["", "All"], ...groups.map((one) => [one, one])], get(`in.${name}`), (chosen) => go({ [`in.${name}`]: chosen }));
  }
  fields.errors = choice("Errors", Object.entries(ERRORS), get("errors"), (chosen) => go({ errors: chosen }));
  fields.words = wordField("Words said or heard", get("words"), (text) => go({ words: text }));
  fields.order = choice("Order", Object.entries(ORDERS), get("order") || "errors", (chosen) => go({ order: chosen === "errors" ? "" : chosen }));

  const status = make("p", { class: "soft", role: "status" });
  const one = make("div", { class: "utterance", role: "region", "aria-label": "One utterance", hidden: true });
  const list = longList("Utterances; Enter opens one", { fetch: (offset, limit) => source.query({ ...filter(), offset, limit }).then((found) => found.rows), draw: rowParts, name: rowName, open: (row) => go({ utterance: row.id, at: "" }, { step: true }) });
  section.replaceChildren(...[
    make("h2", { id: "utterances-title", text: "Utterances" }),
    make("p", { class: "soft", text: `Words as the normaliser ${about.normalizer} writes them, aligned as they were counted.` }),
    withheldNote(), make("div", { class: "controls" }, Object.values(fields).map((field) => field.element)),
    legend(), status, make("div", { class: "both" }, list.element, one)].filter(Boolean));
  section.hidden = false;

  let shown = "";
  let opened = null;
  listeners.push(update);
  await update();
  return about;

  function filter() {
    const groups = Object.fromEntries(about.attributes.map(({ name }) => [name, get(`in.${name}`)]).filter(([, group]) => group));
    return { system: get("system"), condition: get("condition"), errors: get("errors") in ERRORS ? get("errors") : "",
      order: get("order") in ORDERS ? get("order") : "errors", words: get("words"), groups };
  }

  function withheldNote() {
    const parts = about.attributes.filter(({ withheld }) => withheld).map(({ name, withheld }) => `${name} of ${counted(withheld, "utterance")}`);
    const text = `Values that fewer than ${about.k} speakers share, alone or together with their others, are withheld: ${parts.join(", ")}. So a group can have fewer utterances here than in the tables.`;
    return parts.length ? make("p", { class: "soft", text }) : null;
  }

  function legend() {
    return make("p", { class: "legend", "aria-label": "Signs" }, Object.values(MARKS).map(([kind, sign, word]) =>
      make("span", { class: `pair ${kind}` }, make("span", { class: "down" }, make("span", { class: "sign", text: sign }), make("span", { text: word })))));
  }

  function rowParts(row) {
    const n = row.substitutions + row.deletions + row.insertions;
    const count = make("span", { class: row.failed ? "count failed" : "count", text: row.failed ? "failed" : `${n} of ${row.words}` });
    const where = about.cells.length > 1 ? make("span", { class: "where" }, own(row.system), ", ", conditionName(row.condition)) : null;
    return [make("span", { class: "line" }, count, where, make("span", { class: "id" }, own(row.id))), make("span", { class: "line" }, inline(row))];
  }

  function rowName(row) {
    const words = row.steps.map(([kind, said, heard]) => (kind === "=" || kind === "d" ? said : heard)).join(" ");
    return `${errorsText(row)}: ${words}; ${row.system}, ${conditionName(row.condition)}`;
  }

  async function update() {
    for (const [key, field] of Object.entries(fields)) field.set(get(key) || (key === "order" ? "errors" : ""));
    const wanted = filter();
    const key = JSON.stringify(wanted);
    if (key !== shown) {
      shown = key;
      const found = await source.query({ ...wanted, offset: 0, limit: FETCHED }).catch((error) => ({ total: 0, rows: [], error }));
      if (key !== shown) return;
      status.textContent = `${counted(found.total, "result")} of ${about.total.toLocaleString("en")}.${found.total ? "" : found.error ? ` ${found.error.message}` : " Nothing fits: take a filter away."}`;
      await list.reset(found.total, found.rows);
    }
    if (get("utterance") !== opened) await openOne(get("utterance"));
  }

  async function openOne(id) {
    const before = opened;
    opened = id;
    list.mark(id);
    const found = id ? await source.utterance(id) : null;
    if (opened !== id) return;
    one.hidden = !id;
    one.replaceChildren(...(found ? details(found) : [make("p", { text: "This report has no utterance of that name." })]));
    if (found && before !== null) {
      one.querySelector("h3").focus({ preventScroll: true });
      one.scrollIntoView({ block: "nearest" });
    }
    if (!id && before) list.element.focus();
  }

  function details(found) {
    const speaker = found.speaker ? `Speaker ${found.speaker} (a number of this report only)` : "Speaker not known";
    const groups = found.groups.flatMap(([name, values]) => ["; ", own(name), " ", own(values.join(", "))]);
    return [
      make("div", { class: "top" }, make("h3", { tabindex: "-1" }, "Utterance ", own(found.id)),
        make("button", { type: "button", text: "Close", on: { click: () => go({ utterance: "", at: "" }, { step: true }) } })),
      make("p", { class: "soft" }, speaker, groups),
      ...found.results.map((result) => resultPart(found, result)),
    ];
  }

  function resultPart(found, result) {
    const here = (!get("system") || get("system") === result.system) && (!get("condition") || get("condition") === result.condition);
    return make("div", { class: here ? "result here" : "result" },
      make("h4", {}, own(result.system), `, ${conditionName(result.condition)}: `, make("span", { class: "range", text: errorsText(result) })),
      aligned(result), result.audio ? player(source, found.id, result) : null,
      make("details", {}, make("summary", { text: "As it was written" }),
        make("dl", {}, make("dt", { text: "Reference" }), make("dd", { dir: "auto", text: result.reference }),
          make("dt", { text: "Hypothesis" }), make("dd", { dir: "auto", text: result.hypothesis ?? "none: it failed" }))));
  }
}
