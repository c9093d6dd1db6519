"""``shanglou doctor``: looks whether this deployment is well, and says what to do where it is not."""
