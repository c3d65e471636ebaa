// The table of all numbers: filtered, sorted, written out as CSV. Its texts are those of the page, its values the card's.

const VERDICTS = { higher: "more errors", lower: "fewer errors", "not shown": "not shown", "cannot tell": "cannot tell",
  suppressed: "not reported", none: "not compared" };
const PAGE_ROWS = 200;
const TABLE_FILTERS = { "table.system": "system_id", "table.condition": "condition_id", "table.attribute": "attribute" };

function numbersTable(section) {
  const data = JSON.parse(document.getElementById("numbers-data").textContent);
  const column = Object.fromEntries(data.columns.map((name, at) => [name, at]));
  const value = (row, name) => data.rows[row][column[name]];
  const shown = (row, name) => data.shown[row][data.texts.indexOf(name)];
  const verdictOf = (row) => value(row, "verdict") || "none";
  let most = PAGE_ROWS;
  let drills = null;

  const distinct = (name) => [...new Set(data.rows.map((row) => row[column[name]]))];
  const shownAs = (name, one) => (name === "condition_id" ? conditionName(one) : name === "attribute" && one === "all" ? "everybody" : one);
  const fields = {};
  for (const [key, name] of Object.entries(TABLE_FILTERS)) {
    const options = [["", "All"], ...distinct(name).map((one) => [one, shownAs(name, one)])];
    fields[key] = choice({ system_id: "System", condition_id: "Condition", attribute: "Attribute" }[name], options, get(key), (chosen) => changed(key, chosen));
  }
  const verdicts = Object.entries(VERDICTS).filter(([name]) => data.rows.some((_, row) => verdictOf(row) === name));
  fields["table.verdict"] = choice("Verdict", [["", "All"], ...verdicts], get("table.verdict"), (chosen) => changed("table.verdict", chosen));
  fields["table.text"] = wordField("Search", get("table.text"), (text) => changed("table.text", text));

  const status = make("p", { class: "soft", role: "status" });
  const more = make("button", { type: "button", text: "Show more rows", hidden: true, on: { click: () => { most += 5 * PAGE_ROWS; draw(); } } });
  const body = make("tbody");
  // [title, column that it is sorted by, class, the contents of a cell]; what is the same in all rows is left out.
  const several = (name) => distinct(name).length > 1;
  const columns = [
    ["Group", "group", "text", groupCell], ["Attribute", "attribute", "text", (row) => own(shownAs("attribute", value(row, "attribute")))],
    ...(several("system_id") ? [["System", "system_id", "text", (row) => own(value(row, "system_id"))]] : []),
    ...(several("condition_id") ? [["Condition", "condition_id", "text", (row) => own(shown(row, "condition"))]] : []),
    ["WER % (95 % interval)", "wer", "", rateCell], ["Times (95 % interval)", "wer_ratio", "", ratioCell],
    ["Against", "baseline", "text", (row) => own(baselineName(row))], ["Adjusted p", "p_adjusted", "", (row) => (value(row, "verdict") ? shown(row, "p") : "")],
    ["Verdict", "verdict", "text", verdictCell], ["Speakers", "n_speakers", "", (row) => shown(row, "speakers")],
    ["Words", "n_ref_words", "", (row) => shown(row, "words")], ["Failed", "n_failed", "", (row) => shown(row, "failed")],
    ["Notes", "notes", "text notes", (row) => value(row, "notes")],
  ];
  const heads = columns.map(([title, name, kind]) => make("th", { scope: "col", class: kind },
    make("button", { type: "button", class: "sort", on: { click: () => sortBy(name) } }, title, make("span", { class: "arrow", "aria-hidden": "true" }))));
  const table = make("table", {}, make("caption", { text: "Every group under every system and condition; the head of a column sorts by it" }),
    make("thead", {}, make("tr", {}, heads)), body);

  section.replaceChildren(
    make("h2", { id: "numbers-title", text: "All numbers" }),
    make("p", { class: "soft", text: "Sort, filter and take away what the tables further down say one by one." }),
    make("div", { class: "controls" }, Object.values(fields).map((field) => field.element),
      make("button", { type: "button", text: "Save this table (CSV)", on: { click: save } })),
    status,
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "All numbers" }, table), more);
  section.hidden = false;
  listeners.push(draw);

  function changed(key, chosen) {
    most = PAGE_ROWS;
    go({ [key]: chosen });
  }

  function sortBy(name) {
    const [now, down] = order();
    go({ "table.sort": now !== name ? name : down ? "" : `-${name}` });
  }

  const order = () => [get("table.sort").replace(/^-/, ""), get("table.sort").startsWith("-")];

  function chosenRows() {
    const words = get("table.text").toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const filters = Object.entries(TABLE_FILTERS).filter(([key]) => get(key));
    const found = data.rows.map((_, row) => row).filter((row) =>
      filters.every(([key, name]) => value(row, name) === get(key))
      && (!get("table.verdict") || verdictOf(row) === get("table.verdict"))
      && words.every((word) => textOf(row).includes(word)));
    const [name, down] = order();
    return name in column ? found.sort((one, other) => compared(value(one, name), value(other, name), down) || one - other) : found;
  }

  const texts = new Map();
  function textOf(row) {
    if (!texts.has(row)) texts.set(row, [...data.rows[row].slice(0, 4), data.rows[row][column.notes], ...data.shown[row]].join(" ").toLocaleLowerCase());
    return texts.get(row);
  }

  /** Numbers by size, texts by the alphabet, what is not told last both ways. */
  function compared(one, other, down) {
    const absent = [one, other].map((thing) => thing === null || thing === "");
    if (absent[0] || absent[1]) return absent[0] - absent[1];
    const found = typeof one === "number" ? one - other : String(one).localeCompare(String(other));
    return down ? -found : found;
  }

  const range = (text) => (text ? make("span", { class: "range", text: ` (${text})` }) : null);
  const baselineName = (row) => ({ rest: "everybody else" })[value(row, "baseline")] || value(row, "baseline") || "";

  function groupCell(row) {
    const name = own(value(row, "attribute") === "all" ? "everybody" : value(row, "group"));
    return data.anchors[row] ? make("a", { href: `#${data.anchors[row]}` }, name) : name;
  }

  function rateCell(row) {
    const href = drills && value(row, "wer") !== null ? linkTo(row) : null;
    const text = shown(row, "wer");
    return [href ? make("a", { href }, make("span", { text }), told(`: utterances of ${value(row, "group")}`)) : text, range(shown(row, "wer_range"))];
  }

  function ratioCell(row) {
    return value(row, "verdict") ? [shown(row, "ratio"), range(shown(row, "ratio_range"))] : "";
  }

  function verdictCell(row) {
    const kind = value(row, "verdict");
    return make("span", { class: kind === "higher" || kind === "lower" ? kind : null, text: shown(row, "verdict") });
  }

  /** The address of the utterances behind a row; null where its groups are in no row. */
  function linkTo(row) {
    const attribute = value(row, "attribute");
    const cleared = Object.fromEntries([...state.keys()].filter((name) => name.startsWith("in.")).map((name) => [name, ""]));
    const groups = attribute === "all" ? {} : partsOf(attribute, value(row, "group"));
    if (!groups) return null;
    return address({ ...cleared, ...groups, at: "utterances", system: value(row, "system_id"), condition: value(row, "condition_id"),
      errors: "", words: "", utterance: "" });
  }

  function partsOf(attribute, group) {
    const names = attribute.split("*");
    const groups = names.length > 1 ? group.split("*") : [group];
    const can = names.length === groups.length && names.every((name, at) => drills.some((one) => one.name === name && one.groups.includes(groups[at])));
    return can ? Object.fromEntries(names.map((name, at) => [`in.${name}`, groups[at]])) : null;
  }

  function line(row) {
    return make("tr", {}, columns.map(([, , kind, contents], at) => make(at ? "td" : "th", { class: kind, scope: at ? null : "row" }, contents(row))));
  }

  function draw() {
    for (const [key, field] of Object.entries(fields)) field.set(get(key));
    const rows = chosenRows();
    const [name, down] = order();
    columns.forEach(([, of], at) => heads[at].setAttribute("aria-sort", of !== name ? "none" : down ? "descending" : "ascending"));
    body.replaceChildren(...rows.slice(0, most).map(line));
    more.hidden = rows.length <= most;
    status.textContent = `${counted(rows.length, "row")} of ${data.rows.length.toLocaleString("en")}${rows.length > most ? `; the first ${most} are shown` : ""}.`;
  }

  /** A cell of a CSV file; a text that a spreadsheet would take for a formula begins with an apostrophe. */
  function cell(thing) {
    const text = thing === null ? "" : String(thing);
    const safe = typeof thing === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }

  function save() {
    const lines = [data.columns, ...chosenRows().map((row) => data.rows[row])].map((row) => row.map(cell).join(","));
    const url = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
    make("a", { href: url, download: "asrfair-numbers.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  }

  /** Once there are utterances: the rates become links to those behind them, here and in the tables of the page. */
  function open(attributes) {
    drills = attributes;
    draw();
    listeners.push(relink);
    relink();
  }

  function relink() {
    data.anchors.forEach((anchor, row) => {
      const place = anchor && value(row, "wer") !== null && document.getElementById(anchor);
      const href = place && linkTo(row);
      if (!href) return;
      const there = place.cells[4];
      if (there.firstElementChild?.tagName === "A") there.firstElementChild.setAttribute("href", href);
      else there.firstChild.replaceWith(make("a", { href, text: there.firstChild.textContent.trim() }, told(`: utterances of ${value(row, "group")}`)));
    });
  }

  draw();
  return { open };
}
