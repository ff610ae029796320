"""The demo study: invented people, the truth about them, and exports as researchers get them."""
