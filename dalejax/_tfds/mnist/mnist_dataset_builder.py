"""MNIST as a tensorflow-datasets builder that needs no TensorFlow."""

import hashlib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from dalejax import idx

_MNIST = idx.IDX_SETS["mnist"]


# Kept out of the tfds registry: no clash with the builders that tfds brings along.
class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """The images and labels of MNIST, in the files' order.

    Args:
        from_manual_dir: read the idx files from the manual folder instead of downloading them.
        **builder_arguments: as for any tfds builder, e.g. `data_dir`.
    """

    name = _MNIST.tfds_name
    VERSION = tfds.core.Version(_MNIST.tfds_version)
    # tfds hands out `manual_dir` only to builders that have such instructions.
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Put {', '.join(_MNIST.sha256)} (.gz or unpacked) into the manual folder."
    )

    def __init__(self, *, from_manual_dir: bool = False, **builder_arguments: Any):
        super().__init__(**builder_arguments)
        self._from_manual_dir = from_manual_dir

    def _info(self) -> tfds.core.DatasetInfo:
        # Plain bytes, not tfds.features.Image: its PNG encoder needs TensorFlow.
        image = tfds.features.Tensor(
            shape=_MNIST.image_shape, dtype=np.uint8, encoding=tfds.features.Encoding.BYTES
        )
        label = tfds.features.ClassLabel(num_classes=_MNIST.classes)
        return tfds.core.DatasetInfo(
            builder=self,
            description=_MNIST.what,
            license=_MNIST.licence,
            features=tfds.features.FeaturesDict({"image": image, "label": label}),
            supervised_keys=("image", "label"),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        if self._from_manual_dir:
            files = idx.find_idx_files(_MNIST, Path(dl_manager.manual_dir))
        else:
            files = _download(dl_manager)
        # Everything is read and checked here, before tfds writes the first example.
        data = idx.read_idx_set(_MNIST, files)
        return {
            "train": self._generate_examples(data.train_images, data.train_labels),
            "test": self._generate_examples(data.test_images, data.test_labels),
        }

    def _generate_examples(
        self, images: np.ndarray, labels: np.ndarray
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        for position, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield position, {"image": image, "label": int(label)}


def _download(dl_manager: tfds.download.DownloadManager) -> dict[str, Path]:
    urls = {name: f"{_MNIST.url}{name}.gz" for name in _MNIST.sha256}
    try:
        # tfds tries again for minutes when there is no internet; this says so at once.
        probe = urllib.request.Request(next(iter(urls.values())), method="HEAD")
        urllib.request.urlopen(probe, timeout=20).close()
        files = {name: Path(path) for name, path in dl_manager.download(urls).items()}
    except Exception as error:  # tfds and its HTTP client raise many unrelated kinds
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConnectionError(
            f"{_MNIST.name} could not be downloaded from {_MNIST.url} ({reason}); with the files "
            f"at hand use: dalejax data prepare {_MNIST.name} --from DIR"
        ) from error
    for name, path in files.items():
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != _MNIST.sha256[name]:
            raise ValueError(
                f"{urls[name]} has the sha256 sum {found}, expected {_MNIST.sha256[name]}."
            )
    return files
