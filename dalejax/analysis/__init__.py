"""Tables of metrics, statistics over seeds, claims with their evidence, ledger and report."""
