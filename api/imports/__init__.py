"""Rolls (台账): reading the office's spreadsheets and loading what differs."""
