"""What a folder holds, to compare it before and after."""

from pathlib import Path


def read_files(folder: Path) -> dict[str, bytes]:
    """Read every file below a folder: its path relative to the folder, and its content."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
