"""Importers of corpora, one a file."""
