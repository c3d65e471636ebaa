// Where utterances come from. A source has four methods; each gives a promise.
//
//   about()                    -> { total, normalizer, k, cells: [[system, condition]...],
//                                   attributes: [{ name, groups: [name...], withheld: n }...], audio: boolean }
//   query(filter)              -> { total, rows: [row...] }
//     filter: { system, condition, groups: { attribute: group }, errors, words, order, offset, limit }
//       "" or absent: any. errors: "", "any", "substitution", "deletion", "insertion", "failed" or "perfect".
//       words: every word given must be a part of a word of the reference or of the hypothesis, in lower case.
//       order: "errors" (most errors first), "rate" (most errors a word first; no words last) or "id".
//     row: { id, system, condition, failed, words, substitutions, deletions, insertions, steps }
//       steps: [kind, said, heard]..., kind one of "=", "s", "d", "i"; said "" in an insertion, heard "" in a deletion;
//       a failed one has its reference as steps of kind "="; words: of the reference.
//   utterance(id)              -> { id, speaker, groups: [[attribute, [name...]]...], results: [result...] } or null
//     speaker: a number that is drawn for this report, 0 unknown; groups without what is withheld
//     result: row + { reference, hypothesis (null if failed), audio: boolean }; both texts as they were written
//   audio(id, system, condition) -> { url, bytes: () => Promise<ArrayBuffer> }
//
// Over HTTP (`asrfair view`), all GET, relative to `data-url` of the section, JSON in UTF-8, as above; errors are
// answered with a status of 400 or more and { "error": "what and what to do" }:
//
//   about
//   rows?system=&condition=&in.ATTRIBUTE=GROUP&errors=&words=&order=&offset=0&limit=200
//   utterance?id=
//   audio?id=&system=&condition=      the bytes, with their media type
//
// The block in the page (`report/explorer/block.py`): base64 of a zlib stream of JSON,
//   version 1; normalizer; k; cells; ids, speakers: per utterance;
//   attributes: { name, values: [[group...]...], codes: per utterance, 0 withheld, else 1 + the place in values };
//   words: by number, 0 is none; lengths, spoken: the references one after the other, first those of the utterances;
//   written: per reference its text, 0 where it is its words;
//   results: per cell { counts: steps per utterance, steps: place * 3 + kind (0 s, 1 d, 2 i), heard: a word for each
//   that is not a deletion, written: text, 0 where it is its words, null where it failed, against: [utterance,
//   reference] where another wording was closer }.

const KINDS = ["s", "d", "i"];
const ERRORS = { "": "Any", any: "Any error", substitution: "Substitution", deletion: "Deletion", insertion: "Insertion",
  failed: "Failed", perfect: "Without error" };
const ORDERS = { errors: "Most errors", rate: "Highest rate", id: "By name" };

async function unpacked(text) {
  const clean = text.trim();
  const bytes = Uint8Array.fromBase64 ? Uint8Array.fromBase64(clean) : Uint8Array.from(atob(clean), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

/** Where each part of a column of lengths begins, and the end. */
function starts(lengths) {
  const found = new Uint32Array(lengths.length + 1);
  for (let at = 0; at < lengths.length; at += 1) found[at + 1] = found[at] + lengths[at];
  return found;
}

function embeddedSource(data, clips) {
  const n = data.ids.length;
  const begins = starts(data.lengths);
  const places = new Map(data.ids.map((id, at) => [id, at]));
  const cells = data.results.map((part) => opened(part));
  const tables = ["system", "condition"].map((_, side) => data.cells.map((cell) => cell[side]));
  let last = { key: null, rows: null };

  function opened(part) {
    const first = starts(part.counts);
    const counts = [0, 1, 2].map(() => new Uint16Array(n));
    const words = new Uint32Array(n + 1);
    for (let at = 0, word = 0; at < n; at += 1) {
      words[at] = word;
      for (let step = first[at]; step < first[at + 1]; step += 1) {
        const kind = part.steps[step] % 3;
        counts[kind][at] += 1;
        if (kind !== 1) word += 1;
      }
      words[at + 1] = word;
    }
    return { ...part, first, words, byKind: counts, against: new Map(part.against) };
  }

  const referenceOf = (cell, at) => cell.against.get(at) ?? at;
  const failed = (cell, at) => cell.written[at] === null;
  const errorsOf = (cell, at) => cell.byKind[0][at] + cell.byKind[1][at] + cell.byKind[2][at];

  function stepsOf(cell, at) {
    const reference = referenceOf(cell, at);
    const found = [];
    let place = 0;
    let word = cell.words[at];
    const said = (to) => {
      for (; place < to; place += 1) found.push(["=", data.words[data.spoken[begins[reference] + place]], ""]);
    };
    for (let step = cell.first[at]; step < cell.first[at + 1]; step += 1) {
      const kind = cell.steps[step] % 3;
      said((cell.steps[step] - kind) / 3);
      const here = kind === 2 ? "" : data.words[data.spoken[begins[reference] + place]];
      found.push([KINDS[kind], here, kind === 1 ? "" : data.words[cell.heard[word]]]);
      if (kind !== 1) word += 1;
      if (kind !== 2) place += 1;
    }
    said(data.lengths[reference]);
    return found.map(([kind, one, other]) => (kind === "=" ? [kind, one, failed(cell, at) ? "" : one] : [kind, one, other]));
  }

  function rowOf(number) {
    const at = number % n;
    const which = (number - at) / n;
    const cell = cells[which];
    const [substitutions, deletions, insertions] = cell.byKind.map((counts) => counts[at]);
    return { id: data.ids[at], system: data.cells[which][0], condition: data.cells[which][1], failed: failed(cell, at),
      words: data.lengths[referenceOf(cell, at)], substitutions, deletions, insertions, steps: stepsOf(cell, at) };
  }

  /** Which utterances have these groups: 1 or 0 each. */
  function having(groups) {
    const kept = new Uint8Array(n).fill(1);
    for (const [name, group] of Object.entries(groups)) {
      if (!group) continue;
      const attribute = data.attributes.find((one) => one.name === name);
      const codes = new Set((attribute ? attribute.values : []).flatMap((value, at) => (value.includes(group) ? [at + 1] : [])));
      for (let at = 0; at < n; at += 1) if (!attribute || !codes.has(attribute.codes[at])) kept[at] = 0;
    }
    return kept;
  }

  /** For each word looked for, which words of the dictionary have it: 1 or 0 each. */
  function masks(words) {
    const wanted = words.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const lower = wanted.length ? data.words.map((word) => word.toLocaleLowerCase()) : [];
    return wanted.map((part) => Uint8Array.from(lower, (word, number) => (number && word.includes(part) ? 1 : 0)));
  }

  function hasWord(mask, cell, at) {
    const reference = referenceOf(cell, at);
    for (let word = begins[reference]; word < begins[reference + 1]; word += 1) if (mask[data.spoken[word]]) return true;
    for (let word = cell.words[at]; word < cell.words[at + 1]; word += 1) if (mask[cell.heard[word]]) return true;
    return false;
  }

  const tests = {
    any: (cell, at) => errorsOf(cell, at) > 0,
    substitution: (cell, at) => cell.byKind[0][at] > 0,
    deletion: (cell, at) => cell.byKind[1][at] > 0,
    insertion: (cell, at) => cell.byKind[2][at] > 0,
    failed,
    perfect: (cell, at) => !failed(cell, at) && errorsOf(cell, at) === 0,
  };

  function selected(filter) {
    const kept = having(filter.groups || {});
    const wanted = masks(filter.words || "");
    const test = filter.errors ? tests[filter.errors] : null;
    const rows = [];
    cells.forEach((cell, which) => {
      if (filter.system && tables[0][which] !== filter.system) return;
      if (filter.condition && tables[1][which] !== filter.condition) return;
      for (let at = 0; at < n; at += 1) {
        if (!kept[at] || (test && !test(cell, at))) continue;
        if (wanted.every((mask) => hasWord(mask, cell, at))) rows.push(which * n + at);
      }
    });
    return sorted(Uint32Array.from(rows), filter.order || "errors");
  }

  function sorted(rows, order) {
    if (order === "id") return rows;
    const keys = new Float64Array(cells.length * n);
    for (const number of rows) {
      const at = number % n;
      const cell = cells[(number - at) / n];
      const words = data.lengths[referenceOf(cell, at)];
      keys[number] = order === "errors" ? errorsOf(cell, at) : words ? errorsOf(cell, at) / words : -1;
    }
    return rows.sort((one, other) => keys[other] - keys[one] || one - other);
  }

  const hears = (id, condition) => Boolean(clips && Object.hasOwn(clips, id) && clips[id][condition]);
  const raw = (text, words) => (text === 0 ? words.join(" ") : text);

  return {
    about: async () => ({
      total: n * cells.length,
      normalizer: data.normalizer,
      k: data.k,
      cells: data.cells,
      attributes: data.attributes.map(({ name, values, codes }) => ({
        name, groups: [...new Set(values.flat())].sort(), withheld: codes.reduce((sum, code) => sum + (code === 0), 0) })),
      audio: Boolean(clips),
    }),
    query: async (filter) => {
      const { offset = 0, limit = 200, ...rest } = filter;
      const key = JSON.stringify(rest);
      if (last.key !== key) last = { key, rows: selected(rest) };
      return { total: last.rows.length, rows: [...last.rows.subarray(offset, offset + limit)].map(rowOf) };
    },
    utterance: async (id) => {
      const at = places.get(id);
      if (at === undefined) return null;
      const groups = data.attributes.filter(({ codes }) => codes[at]).map(({ name, values, codes }) => [name, values[codes[at] - 1]]);
      const results = cells.map((cell, which) => {
        const row = rowOf(which * n + at);
        const said = row.steps.filter(([kind]) => kind !== "i").map((step) => step[1]);
        const heard = row.steps.filter(([kind]) => kind !== "d").map((step) => step[2]);
        return { ...row, reference: raw(data.written[referenceOf(cell, at)], said), hypothesis: raw(cell.written[at], heard),
          audio: hears(id, row.condition) };
      });
      return { id, speaker: data.speakers[at], groups, results };
    },
    audio: async (id, system, condition) => {
      const url = clips[id][condition];
      const text = atob(url.slice(url.indexOf(",") + 1));
      return { url, bytes: async () => Uint8Array.from(text, (c) => c.charCodeAt(0)).buffer };
    },
  };
}

function servedSource(base) {
  async function ask(path, names = {}) {
    const answer = await fetch(`${base}${path}?${new URLSearchParams(names)}`);
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    return found;
  }
  const clip = (id, system, condition) => `${base}audio?${new URLSearchParams({ id, system, condition })}`;
  return {
    about: () => ask("about"),
    query: ({ groups = {}, ...rest }) => {
      const names = { ...rest, ...Object.fromEntries(Object.entries(groups).map(([name, group]) => [`in.${name}`, group])) };
      return ask("rows", Object.fromEntries(Object.entries(names).filter(([, value]) => value !== "")));
    },
    utterance: (id) => ask("utterance", { id }),
    audio: async (...place) => ({ url: clip(...place), bytes: async () => (await fetch(clip(...place))).arrayBuffer() }),
  };
}

/** The source of this page; null where it has no utterances. */
async function findSource(section) {
  if (section.dataset.url) return servedSource(section.dataset.url);
  const block = document.getElementById("utterances-data");
  if (!block) return null;
  const data = await unpacked(block.textContent);
  block.remove();
  const clips = document.getElementById("audio-data");
  return embeddedSource(data, clips && JSON.parse(clips.textContent));
}
