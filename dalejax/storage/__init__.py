"""What is on disk: files written atomically, manifests, checkpoints, provenance."""
