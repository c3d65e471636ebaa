"""What the engines say without their libraries, as JSON; a program of its own, because imports cannot be taken back.

For every engine with `LIBRARIES`: what its constructor raises without each of them (type, extra, message), and what
`missing` says when even the packages around them are absent. `_NAME`, the binding of some packages `NAME`, goes too.
"""

import json
import os
import sys
from contextlib import contextmanager

from asrfair.adapters import Adapter, available_engines, engine_class, engine_options, load_engine


@contextmanager
def without(name):
    """Make the module `name`, its binding and all in it impossible to import."""
    gone = (name, f"_{name}")
    aside = {key: sys.modules.pop(key) for key in list(sys.modules) if key.startswith(tuple(f"{one}." for one in gone))}
    aside |= {key: sys.modules.pop(key) for key in gone if key in sys.modules}
    sys.modules.update(dict.fromkeys(gone))
    yield
    for key in gone:
        del sys.modules[key]
    sys.modules.update(aside)


def raised(name):
    """What opening an engine raises."""
    needed = {option.name: "nothing-here" for option in engine_options(name) if option.required}
    try:
        load_engine(name, needed)
    except Exception as error:  # noqa: BLE001 - the type is what is asked
        return type(error).__name__, getattr(error, "extra", None), str(error)
    return "nothing", None, ""


def said(name):
    """What an engine says without each of its libraries."""
    cls = engine_class(name)
    for names in getattr(cls, "CREDENTIALS", ()):
        os.environ.update(dict.fromkeys(names, "canary-canary"))
    found = {"raised": {}, "missing": {}}
    for library in cls.LIBRARIES:
        with without(library):
            found["raised"][library] = raised(name)
        with without(library.partition(".")[0]):
            found["missing"][library] = cls.missing()
    return found


if __name__ == "__main__":
    engines = [name for name in available_engines() if issubclass(engine_class(name), Adapter)]
    json.dump({name: said(name) for name in engines if engine_class(name).LIBRARIES}, sys.stdout)
