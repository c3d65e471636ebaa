"""The stressor families, one a file: the `type` of a step is the file's name."""
