"""The builder of the prepared copies of all data sets."""
