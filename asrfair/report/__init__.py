"""The report room: what people read. The only place where a rate becomes a percentage."""

from asrfair.report.card import Card, card_schema, make_card
from asrfair.report.engines import render_engines
from asrfair.report.plan import render_plan
from asrfair.report.questions import QUESTIONS, Question
from asrfair.report.sections import TABLES
from asrfair.report.stated import CARD_FILE, Stated, load_stated, written
from asrfair.report.text import render_coverage, render_failures, render_table, render_totals
from asrfair.report.write import write_report

__all__ = [
    "CARD_FILE",
    "QUESTIONS",
    "TABLES",
    "Card",
    "Question",
    "Stated",
    "card_schema",
    "load_stated",
    "make_card",
    "render_coverage",
    "render_engines",
    "render_failures",
    "render_plan",
    "render_table",
    "render_totals",
    "write_report",
    "written",
]
