"""The internal API: facts about homes, money and cases. It speaks SQL and HTTP, never Telegram, never words."""
