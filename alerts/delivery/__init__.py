"""Messages about alerts: their content, the queue, and the ways to send them."""
