"""tensorflow-datasets builders, one package folder each (tfds looks for their files there)."""
