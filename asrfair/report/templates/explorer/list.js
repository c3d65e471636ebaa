// A list of any length: only the rows in sight are in the page. Up, Down, Page Up, Page Down, Home and End move in it,
// Enter opens. `fetch(offset, limit)` gives rows, `draw(row)` the parts of one, `name(row)` what it is called.

const ROW_PX = 58;
const FETCHED = 200;
const MOST_PX = 15000000;

function longList(label, { fetch, draw, name, open }) {
  const space = make("div", { class: "space" });
  const box = make("div", { class: "list", role: "listbox", tabindex: "0", "aria-label": label, on: { scroll: soon, keydown: pressed, click: clicked } }, space);
  let total = 0;
  let active = 0;
  let chosen = "";
  let round = 0;
  let waiting = false;
  let pages = new Map();

  function page(number) {
    const later = () => { pages.delete(number); return []; };
    if (!pages.has(number)) pages.set(number, fetch(number * FETCHED, FETCHED).catch(later));
    return pages.get(number);
  }

  function soon() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; render(); });
  }

  // A browser draws no element of any height: a longer list is scrolled by shares of its height.
  const height = () => Math.min(total * ROW_PX, MOST_PX);
  const room = () => Math.max(1, box.clientHeight);
  const scale = () => Math.max(1, (total * ROW_PX - room()) / Math.max(1, height() - room()));

  async function render() {
    const mine = (round += 1);
    const top = box.scrollTop * scale();
    const first = Math.max(0, Math.floor(top / ROW_PX) - 4);
    const last = Math.min(total, Math.ceil((top + room()) / ROW_PX) + 4);
    const parts = [];
    for (let number = Math.floor(first / FETCHED); number * FETCHED < last; number += 1) parts.push(page(number).then((rows) => [number * FETCHED, rows]));
    const found = (await Promise.all(parts)).flatMap(([start, rows]) => rows.map((row, at) => [start + at, row]));
    if (mine !== round) return;
    const lines = found.filter(([at]) => at >= first && at < last).map(([at, row]) => line(at, row, at * ROW_PX - top + box.scrollTop));
    space.style.height = `${height()}px`;
    space.replaceChildren(...lines);
    point();
  }

  function line(at, row, top) {
    const element = make("div", { id: `row-${at}`, class: "row", role: "option", "aria-posinset": at + 1, "aria-setsize": total,
      "aria-selected": String(row.id === chosen), "aria-label": name(row) }, draw(row));
    element.style.top = `${top}px`;
    element.classList.toggle("active", at === active);
    return element;
  }

  function point() {
    const there = document.getElementById(`row-${active}`);
    if (there) box.setAttribute("aria-activedescendant", there.id);
    else box.removeAttribute("aria-activedescendant");
  }

  function pressed(event) {
    const jump = Math.max(1, Math.floor(room() / ROW_PX) - 1);
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + jump, PageUp: active - jump, Home: 0, End: total - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      move(to);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(active);
    }
  }

  function move(to) {
    active = Math.max(0, Math.min(total - 1, to));
    const top = active * ROW_PX;
    const seen = box.scrollTop * scale();
    if (top < seen) box.scrollTop = top / scale();
    else if (top + ROW_PX > seen + room()) box.scrollTop = (top + ROW_PX - room()) / scale();
    render();
  }

  function clicked(event) {
    const row = event.target.closest(".row");
    if (!row) return;
    active = Number(row.getAttribute("aria-posinset")) - 1;
    choose(active);
  }

  async function choose(at) {
    const row = (await page(Math.floor(at / FETCHED)))[at % FETCHED];
    if (row) open(row);
  }

  /** Show another selection, from its beginning. */
  function reset(n, first) {
    total = n;
    active = 0;
    pages = new Map([[0, Promise.resolve(first)]]);
    box.scrollTop = 0;
    box.hidden = n === 0;
    return render();
  }

  function mark(id) {
    chosen = id;
    return render();
  }

  return { element: box, reset, mark };
}
