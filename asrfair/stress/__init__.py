"""The stress room."""
