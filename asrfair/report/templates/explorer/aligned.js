// Reference and hypothesis word by word: what was said above, what was heard below, and what happened marked by a sign,
// a line and a colour, and said in words for those who listen.

const MARKS = { s: ["sub", "\u2260", "substituted"], d: ["del", "\u2212", "deleted"], i: ["ins", "+", "inserted"] };
const RTL = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const LTR = /[A-Za-z\u00c0-\u024f\u0370-\u058f\u0900-\u1fff\u3040-\ud7ff]/;

/** The direction of words: that of the first letter that has one. */
function direction(steps) {
  const text = steps.map(([, said, heard]) => said || heard).join(" ");
  const [right, left] = [text.search(RTL), text.search(LTR)];
  return right >= 0 && (left < 0 || right < left) ? "rtl" : "ltr";
}

/** One line: the hypothesis with its errors, for the list. */
function inline(row) {
  const words = [];
  for (const [kind, said, heard] of row.steps) {
    if (kind === "=") words.push(said);
    else if (kind === "d") words.push(make("del", { class: "del", text: said }));
    else if (kind === "i") words.push(make("span", { class: "ins", text: `+${heard}` }));
    else words.push(make("span", { class: "sub" }, make("s", { text: said }), `\u00a0${heard}`));
    words.push(" ");
  }
  return make("span", { class: "said", dir: direction(row.steps) }, words);
}

function pair([kind, said, heard]) {
  if (kind === "=") return make("span", { class: "pair" }, make("span", { class: "up", text: said }), make("span", { class: "down", "aria-hidden": "true", text: heard }));
  const [name, sign, word] = MARKS[kind];
  const spoken = kind === "i" ? null : [told(`${word}: `), make("span", { text: said })];
  const recognised = kind === "d" ? null : [told(kind === "s" ? " heard as " : `${word}: `), make("span", { text: heard })];
  return make("span", { class: `pair ${name}` },
    make("span", { class: "up" }, spoken || "\u00a0"),
    make("span", { class: "down" }, make("span", { class: "sign", "aria-hidden": "true", text: sign }), recognised || "", told(". ")));
}

function aligned(result) {
  if (result.failed) return make("p", { class: "failed", text: "Failed: there is no transcript." });
  if (!result.steps.length) return make("p", { class: "soft", text: "Nothing was said, and nothing was heard." });
  return make("p", { class: "aligned", dir: direction(result.steps) }, result.steps.map(pair).flatMap((part) => [part, " "]));
}

function errorsText(row) {
  if (row.failed) return "failed";
  const parts = [[row.substitutions, "substitution"], [row.deletions, "deletion"], [row.insertions, "insertion"]];
  const told_ = parts.filter(([n]) => n).map(([n, thing]) => counted(n, thing));
  return `${told_.join(", ") || "no error"} in ${counted(row.words, "word")}`;
}

/** A player with the shape of the sound above it. */
function player(source, id, result) {
  const canvas = make("canvas", { width: 640, height: 72, class: "wave", "aria-hidden": "true" });
  const holder = make("div", { class: "player" });
  const button = make("button", { type: "button", on: { click: load } }, "Listen", told(` to ${id}, ${result.system}, ${conditionName(result.condition)}`));
  holder.append(button);

  async function load() {
    const found = await source.audio(id, result.system, result.condition);
    const audio = make("audio", { controls: true, src: found.url, "aria-label": `${id}, ${conditionName(result.condition)}` });
    holder.replaceChildren(canvas, audio);
    audio.focus();
    audio.play().catch(() => {});
    const context = new OfflineAudioContext(1, 1, 16000);
    const sound = await context.decodeAudioData(await found.bytes());
    const samples = sound.getChannelData(0);
    wave(canvas, samples, 0);
    audio.addEventListener("timeupdate", () => wave(canvas, samples, audio.currentTime / sound.duration));
  }

  return holder;
}

function wave(canvas, samples, played) {
  const { width, height } = canvas;
  const pen = canvas.getContext("2d");
  const colours = getComputedStyle(canvas);
  const each = samples.length / width;
  const loudest = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
  pen.clearRect(0, 0, width, height);
  for (let x = 0; x < width; x += 1) {
    let peak = 0;
    for (let at = Math.floor(x * each); at < (x + 1) * each; at += 1) peak = Math.max(peak, Math.abs(samples[at]));
    const tall = Math.max(1, (peak / loudest) * (height - 2));
    pen.fillStyle = x / width < played ? colours.getPropertyValue("--link") : colours.getPropertyValue("--soft");
    pen.fillRect(x, (height - tall) / 2, 1, tall);
  }
}
