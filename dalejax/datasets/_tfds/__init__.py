"""The tensorflow-datasets builder of prepared copies, and their names and version."""

from dalejax.datasets.catalogue import DataSet

VERSION = "1.0.0"


def tfds_name(data_set: DataSet) -> str:
    """Return the name of a set for tensorflow-datasets, different from those of its own builders.

    Args:
        data_set: entry of the catalogue.
    """
    return f"dalejax_{data_set.name}"
