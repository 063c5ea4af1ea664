"""Files on disk: atomic writes, manifests with checksums, checkpoints, provenance."""
