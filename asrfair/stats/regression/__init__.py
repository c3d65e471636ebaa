"""Disparities with other things held equal: regression by speaker, mixed models, matched prompts."""
