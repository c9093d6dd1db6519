"""Comparing what rolls say with what is stored, and writing what differs, all of it set-wise."""
