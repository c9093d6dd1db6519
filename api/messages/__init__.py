"""The outbox: what is to be said to chats without being asked, and the leave to send it."""
