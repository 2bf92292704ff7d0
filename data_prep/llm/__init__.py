"""The one client of OpenAI-compatible servers, and the append-only JSON Lines file that keeps what they answer."""
