"""The tensorflow-datasets builder, in a package folder of its own, where tfds looks for files."""
