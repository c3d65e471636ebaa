# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Quickstart
#
# Audit transcripts that you have, and look at the tables. Open it as a notebook with jupytext, or run it as it is.

# %%
from pathlib import Path

import asrfair

here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
corpus = here.parent / "tests" / "data" / "mini"

# %%
audit = asrfair.audit(corpus, {"engine": corpus / "engine.jsonl"}, by=["accent", "gender"])
print(audit)

# %%
audit.disparities.to_pandas()[["attribute", "group", "baseline", "wer_ratio", "ratio_low", "ratio_high", "verdict"]]
