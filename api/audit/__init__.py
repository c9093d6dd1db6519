"""The record of who looked at what and who changed what: append-only, chained by hashes, without values."""
