"""kopf's one door: watches searches and shows their outcome."""
