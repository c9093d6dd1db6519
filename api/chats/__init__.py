"""Telegram chats: their conversation state and the agreements they are linked to."""
