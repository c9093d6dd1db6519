"""The office's people: accounts, roles, and which Telegram chat is whose."""
