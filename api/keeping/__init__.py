"""Backups: made, read through, and restored."""
