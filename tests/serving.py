"""A real HTTP server on loopback, in the test's own event loop."""

from bot.serving import serving

__all__ = ["serving"]
