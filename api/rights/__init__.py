"""A person's rights over what is kept about them: a copy of it, and its erasure."""
