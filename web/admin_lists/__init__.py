"""The admin's lists: invalid queries, and a fast date hierarchy."""
