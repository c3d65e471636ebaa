"""A small run with all that a filter can meet, a server of it, and what its rows must be."""

import http.client
import json
import random
import threading
from contextlib import contextmanager
from urllib.parse import urlencode, urlsplit

from explorer_runs import unpacked

from asrfair import pipeline
from asrfair.pipeline.viewing import view

MARKUP = "<script>alert(1)</script>"
WORDS = [
    "İstanbul",
    "straße",
    "ΟΔΟΣ",
    "the",
    "The",
    "cat",
    MARKUP,
    "שלום",
    "don't",
    "100%",
    "x_y",
    "a\u00a0b",
    "\x07bell",
]
DATASET = """
schema_version = 1
name = "Seen"
version = "1"
licence = "CC0-1.0"
language = "en"
collection = "Made by the tests."
consent = "Nobody spoke."
[attributes.accent]
kind = "accent"
provenance = "self_reported"
[attributes.tongue]
kind = "first_language"
provenance = "self_reported"
[attributes."it's; DROP TABLE results --"]
kind = "content"
provenance = "annotated"
"""
EVIL = "it's; DROP TABLE results --"
SMALL = "Islanders"
FILTERS = {
    "system": ["engine", "other <b>", "nobody"],
    "condition": ["clean", "clean", "kitchen@5dB"],
    "errors": ["any", "substitution", "deletion", "insertion", "failed", "perfect"],
    "words": ["the", "THE cat", "İ", "ος", "οδ", "straSSe", "<", "%", "_", "xyzzy", "t  a", "\x07", "'", "א ש"],
}
ORDERS = ["errors", "rate", "id"]
GROUPS = {
    "accent": ["north", "south", SMALL, "nobody", "missing"],
    "tongue": ["english", "thai", MARKUP],
    EVIL: ["read", "free"],
    "nothing": ["x"],
}


def write_manifest(folder, seed=1):
    """Utterances of 60 speakers, some with two references, two values, or no value; returns their rows."""
    rng, rows = random.Random(seed), []
    for number in range(120):
        speaker = number % 60
        tongues = [["english"], ["thai"], ["english", "thai"], None, [MARKUP]][speaker % 5]
        texts = [" ".join(rng.choices(WORDS, k=rng.randrange(1, 7))) for _ in range(1 + (number % 6 == 0))]
        row = {"utterance_id": f"secret/../{number}", "references": texts, "speaker_id": f"person-{speaker}"}
        row |= {
            "accent": SMALL if speaker < 2 else ["north", "south"][speaker // 5 % 2],
            EVIL: ["read", "free"][number // 60],
        }
        rows.append(row | ({"tongue": tongues} if tongues else {}))
    folder.mkdir(exist_ok=True)
    (folder / "dataset.toml").write_text(DATASET)
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return rows


def recognised(rows, seed):
    """Transcripts with every kind of error; some are absent, some are empty."""
    rng = random.Random(seed)
    for number, row in enumerate(rows):
        if number % 13 == 12:
            continue
        words = row["references"][-1].split(" ")
        changed = [rng.choice([word, word, word, rng.choice(WORDS), "", f"{word} um"]) for word in words]
        yield {
            "utterance_id": row["utterance_id"],
            "text": "" if number % 31 == 30 else " ".join(filter(None, changed)),
        }


def make_run(folder, seed=1):
    """A run folder that was analysed, of two systems; returns it and the manifest's rows."""
    rows, files = write_manifest(folder / "manifest", seed), {}
    for at, name in enumerate(("engine", "other <b>")):
        files[name] = folder / f"{at}.jsonl"
        files[name].write_text("\n".join(map(json.dumps, recognised(rows, seed + at))))
    by = ["accent", "tongue", EVIL]
    pipeline.audit(folder / "manifest", files, out=folder / "run", normalizer=["none"], by=by)
    return folder / "run", rows


@contextmanager
def viewed(run, **options):
    """Something that asks the server of a run: path and parameters in, status and what came back out."""
    with view(run, **options) as server:
        yield Asker(server.url)


class Asker:
    """Asks a server; only JSON is read."""

    def __init__(self, url):
        self.url = url
        self.path, self.host = urlsplit(url).path, urlsplit(url).netloc

    def __call__(self, path, names=(), **more):
        pairs = [*(names.items() if isinstance(names, dict) else names), *more.items()]
        status, headers, data = self.raw("GET", f"{self.path}api/{path}?{urlencode(pairs)}")
        assert headers["Content-Type"] == "application/json; charset=utf-8"
        assert "Access-Control-Allow-Origin" not in headers
        found = json.loads(data)
        assert (status >= 400) == (found is not None and "error" in found)
        return status, found

    def rows(self, wanted):
        """The rows of a filter as the page writes it."""
        names = {name: value for name, value in wanted.items() if name != "groups"}
        names |= {f"in.{name}": group for name, group in wanted.get("groups", {}).items()}
        status, found = self("rows", {name: value for name, value in names.items() if value != ""})
        assert status == 200, found
        return found

    def raw(self, method, target, headers=None, body=None):
        """Status, headers and body of one request, sent as it stands."""
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.putrequest(method, target, skip_host=bool(headers and "Host" in headers), skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        try:
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


def at_once(tasks):
    """Run functions at the same time; returns what each gave."""
    found = [None] * len(tasks)

    def one(at):
        found[at] = tasks[at]()

    threads = [threading.Thread(target=one, args=(at,)) for at in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def some_filters(seed, count):
    """Filters at random, as the page makes them, most of them of few conditions."""
    rng = random.Random(seed)
    for _ in range(count):
        groups = {name: rng.choice(values) for name, values in GROUPS.items() if rng.random() < 0.25}
        chosen = {name: rng.choice(values) if rng.random() < 0.4 else "" for name, values in FILTERS.items()}
        place = {"offset": rng.choice([0, 0, 0, 1, 7, 100, 10**9]), "limit": rng.choice([0, 1, 5, 200])}
        yield chosen | {"order": rng.choice(ORDERS), "groups": groups} | place


class Expected:
    """What the block of a page says of a filter, worked out row by row."""

    def __init__(self, block):
        self.data = unpacked(block)
        self.rows = [row for cell in range(len(self.data["cells"])) for row in self._cell(cell)]

    def _cell(self, number):
        data, part = self.data, self.data["results"][number]
        steps, heard = iter(part["steps"]), iter(part["heard"])
        against = dict(part["against"])
        for at, name in enumerate(data["ids"]):
            reference = against.get(at, at)
            begin = sum(data["lengths"][:reference])
            said = [data["words"][word] for word in data["spoken"][begin : begin + data["lengths"][reference]]]
            mine = [next(steps) for _ in range(part["counts"][at])]
            words = [data["words"][next(heard)] for step in mine if step % 3 != 1]
            counts = {kind: sum(step % 3 == at for step in mine) for at, kind in enumerate(KINDS)}
            place = dict(zip(("system", "condition"), data["cells"][number], strict=True))
            failed = part["written"][at] is None
            groups = {
                one["name"]: one["values"][one["codes"][at] - 1] if one["codes"][at] else []
                for one in data["attributes"]
            }
            yield {"id": name, **place, "failed": failed, "words": len(said), **counts}, groups, [*said, *words]

    def query(self, wanted):
        """Total and rows, without steps."""
        tests = {
            "any": lambda row: sum(row[kind] for kind in KINDS) > 0,
            "failed": lambda row: row["failed"],
            "perfect": lambda row: not row["failed"] and not sum(row[kind] for kind in KINDS),
        }
        tests |= {kind[:-1]: lambda row, kind=kind: row[kind] > 0 for kind in KINDS}
        keys = {"errors": _errors, "rate": _rate, "id": lambda row: 0}
        found = [
            row
            for row, groups, words in self.rows
            if wanted["system"] in ("", row["system"])
            and wanted["condition"] in ("", row["condition"])
            and tests.get(wanted["errors"], lambda row: True)(row)
            and all(group in groups.get(name, ()) for name, group in wanted["groups"].items())
            and all(any(part in word.lower() for word in words) for part in wanted["words"].lower().split())
        ]
        found.sort(key=lambda row: -keys[wanted["order"]](row))
        return {"total": len(found), "rows": found[wanted["offset"] : wanted["offset"] + wanted["limit"]]}


KINDS = ("substitutions", "deletions", "insertions")


def _errors(row):
    return sum(row[kind] for kind in KINDS)


def _rate(row):
    return _errors(row) / row["words"] if row["words"] else -1
