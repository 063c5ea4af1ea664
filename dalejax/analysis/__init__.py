"""Tables of results, statistics over seeds, claims with evidence, the ledger, reports."""
