"""The one builder of all sets."""
