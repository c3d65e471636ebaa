"""Adjusted disparities on 1,000,000 utterances: `asrfair` against statsmodels' GLM with clustered standard errors.

    python benchmarks/bench_adjusted.py [--rows N]

20,000 speakers in 30 groups, two covariates with levels (noise 4, device 3, both of the utterance) and one number
(SNR): 36 columns. Each side runs in a process of its own with one BLAS thread, from arrays in memory (levels as codes
for asrfair, the dense matrix for statsmodels, which is not charged for making it) to coefficients and standard errors.
statsmodels gives clustered (CR1) standard errors; asrfair those, and CR3 with degrees of freedom for each of the 29
groups. Coefficients must agree to 1e-6 and CR1 to 1e-6 of itself, apart from statsmodels' factor (n-1)/(n-p).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time

ROWS = 1_000_000
GROUPS, NOISES, DEVICES = 30, 4, 3


def run(rows: int = ROWS, repeats: int = 3) -> list[dict[str, object]]:
    """Measure; returns one dict a goal: goal, ratio, target, detail."""
    ours = min((_in_process("asrfair", rows) for _ in range(repeats)), key=_cpu_s)
    theirs = _in_process("statsmodels", rows)
    _check_equal(ours, theirs)
    detail = (
        f"{ours['cpu_s']:.2f} s of CPU ({ours['fit_s']:.2f} s the fit), peak {ours['rss_mb']:.0f} MB, with CR3 and df; "
        f"statsmodels {theirs['cpu_s']:.2f} s, {theirs['rss_mb']:.0f} MB, CR1 only; {rows:,} rows, equal coefficients"
    )
    return [
        {
            "goal": "adjusted disparities: statsmodels GLM cluster",
            "ratio": theirs["cpu_s"] / ours["cpu_s"],
            "target": 3.0,
            "detail": detail,
        }
    ]


def _cpu_s(found: dict[str, float]) -> float:
    return found["cpu_s"]


def _data(rows: int) -> dict[str, object]:
    """Utterances whose noise depends on the group, so that there is something to adjust for."""
    import numpy as np

    from asrfair.seeds import rng_for

    rng = rng_for(1, "bench_adjusted", "clean")
    n_speakers = max(rows // 50, 90)
    speaker = rng.integers(0, n_speakers, rows)
    group = speaker % GROUPS
    noise = np.minimum(rng.integers(0, NOISES, rows) + (rng.random(rows) < group / 60), NOISES - 1)
    device = rng.integers(0, DEVICES, rows)
    snr = rng.standard_normal(rows)
    words = rng.integers(5, 30, rows).astype(float)
    log_rate = 0.4 * rng.standard_normal(n_speakers)[speaker] + 0.01 * group + 0.2 * noise + 0.1 * device - 0.15 * snr
    errors = rng.poisson(0.1 * words * np.exp(log_rate)).astype(float)
    found = {"errors": errors, "words": words, "speaker": speaker, "group": group}
    return found | {"noise": noise, "device": device, "snr": snr}


def _in_process(side: str, rows: int) -> dict[str, object]:
    """Run one side in a fresh process with one thread."""
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, __file__, "--side", side, "--rows", str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | one)
    return json.loads(done.stdout)


def _asrfair(data: dict[str, object]) -> dict[str, object]:
    import numpy as np

    from asrfair.stats.regression.design import Factor
    from asrfair.stats.regression.pml import fit_poisson
    from asrfair.stats.regression.sandwich import inference

    start = time.process_time()
    sizes = {"noise": NOISES, "device": DEVICES, "group": GROUPS}
    factors = [Factor(name, data[name], tuple(f"{i}" for i in range(size))) for name, size in sizes.items()]
    fit = fit_poisson(data["errors"], data["words"], data["speaker"], factors, {"snr": data["snr"]})
    fitted = time.process_time()
    groups = np.array([column.startswith("group=") for column in fit.columns])
    found = inference(fit, np.eye(len(fit.columns))[groups])
    done = time.process_time()
    coefficients = dict(zip(fit.columns, fit.coefficients.tolist(), strict=True))
    se = dict(zip(np.array(fit.columns)[groups].tolist(), found.se_cr1.tolist(), strict=True))
    return {"cpu_s": done - start, "fit_s": fitted - start, "coefficients": coefficients, "se": se}


def _statsmodels(data: dict[str, object]) -> dict[str, object]:
    import numpy as np
    import statsmodels.api as sm

    n = len(data["errors"])
    columns, names = [np.ones(n)], ["intercept"]
    for name, size in (("noise", NOISES), ("device", DEVICES), ("group", GROUPS)):
        for level in range(1, size):
            columns.append((data[name] == level).astype(float))
            names.append(f"{name}={level}")
    matrix = np.column_stack([*columns, data["snr"]])
    offset = np.log(data["words"])
    start = time.process_time()
    model = sm.GLM(data["errors"], matrix, family=sm.families.Poisson(), offset=offset)
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": data["speaker"]})
    done = time.process_time()
    correction = np.sqrt((n - 1) / (n - matrix.shape[1]))
    names.append("snr")
    se = {name: value / correction for name, value in zip(names, fit.bse.tolist(), strict=True) if "group" in name}
    return {"cpu_s": done - start, "coefficients": dict(zip(names, fit.params.tolist(), strict=True)), "se": se}


def _check_equal(ours: dict[str, object], theirs: dict[str, object]) -> None:
    """Refuse to compare speeds of different results."""
    for what, scale in (("coefficients", 0.0), ("se", 1.0)):
        if ours[what].keys() != theirs[what].keys():
            raise SystemExit(f"different {what}: {sorted(ours[what].keys() ^ theirs[what].keys())}")
        for name, value in ours[what].items():
            other = theirs[what][name]
            if abs(value - other) > 1e-6 * (abs(other) if scale else 1.0):
                raise SystemExit(f"{what} of {name}: {value} but the peer found {other}")


def main() -> None:
    """Print one line a goal, or run one side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--side", choices=["asrfair", "statsmodels"])
    asked = parser.parse_args()
    if asked.side is None:
        for line in run(asked.rows):
            print(f"{line['goal']}: {line['ratio']:.1f} (goal {line['target']:.1f}): {line['detail']}")
        return
    import resource

    data = _data(asked.rows)
    found = _asrfair(data) if asked.side == "asrfair" else _statsmodels(data)
    print(json.dumps(found | {"rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
