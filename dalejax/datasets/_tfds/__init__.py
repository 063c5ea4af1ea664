"""The tensorflow-datasets builder of all sets, and the name and version that its copies have."""

from dalejax.datasets.catalogue import DataSet

VERSION = "1.0.0"


def tfds_name(data_set: DataSet) -> str:
    """Name a set for tensorflow-datasets, differently from the builders that it brings along.

    Args:
        data_set: of the catalogue.
    """
    return f"dalejax_{data_set.name}"
