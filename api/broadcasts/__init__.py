"""Broadcasts: one message of the office to many families (docs/decisions/0009)."""
