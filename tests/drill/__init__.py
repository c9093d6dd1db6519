"""A broadcast under the worst that can happen to it: ``make drill``."""
